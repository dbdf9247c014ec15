"""Files on their way in: streamed to disk, handed on whole, deleted whatever happens."""

import asyncio
import errno
import json
import os
import stat

import pytest

from dialer.errors import ContactFileError
from dialer.serve.app import build_app
from dialer.serve.uploads import Uploads

PATHS = ["/v1/contact-lists/spring", "/v1/dnc-lists/spring?everywhere=true"]
CSV = {"Content-Type": "text/csv"}
LIMIT = 3 << 20


@pytest.fixture(params=PATHS)
def path(request):
    return request.param


@pytest.fixture
def uploads(tmp_path):
    return tmp_path / "uploads"


def in_pieces(content, size):
    async def pieces():
        for at in range(0, len(content), size):
            yield content[at : at + size]

    return pieces()


@pytest.mark.parametrize(
    ("length", "size"),
    [(0, 1), (1, 1), (2500, 1), (2500, 1000), ((1 << 20) + 1, 1 << 16), (LIMIT, 1 << 20), (LIMIT, 1 << 22)],
)
def test_what_arrives_is_what_was_sent(api, control, uploads, size, length):
    """Cut in any way, up to the limit to the byte; gone when the answer comes."""
    content = os.urandom(length)
    answer = api("PUT", "/v1/contact-lists/spring", content=in_pieces(content, size), headers=CSV)
    assert answer.status_code == 200
    source, arrived = control.uploaded
    assert arrived == content
    assert source.parent == uploads
    assert list(uploads.iterdir()) == []


@pytest.mark.parametrize("declared", [True, False])
def test_too_large(api, control, path, uploads, declared):
    """One byte more: 413, whether the length is declared or found out."""
    content = b"x" * (LIMIT + 1)
    answer = api("PUT", path, content=content if declared else in_pieces(content, 1 << 16), headers=CSV)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "at most 3 MiB are taken here; split the file"
    assert control.uploaded is None
    assert list(uploads.iterdir()) == []


@pytest.mark.parametrize("media_type", [None, "application/json", "multipart/form-data; boundary=x", "text/csvx"])
def test_other_content(api, control, path, media_type):
    """A form would be stored with its boundary lines in it."""
    answer = api("PUT", path, content=b"phone\n", headers={} if media_type is None else {"Content-Type": media_type})
    assert answer.status_code == 415
    assert answer.json()["detail"] == "send the file as it is, with the header Content-Type: text/csv"
    assert control.uploaded is None


def test_errors_speak_of_the_clients_file(api, control, uploads):
    """Not of ours, whose name means nothing to anybody."""

    async def import_contacts(name, source, filename):
        raise ContactFileError(f"{source} is empty; also known as {source.name}")

    control.import_contacts = import_contacts
    answer = api("PUT", "/v1/contact-lists/spring?filename=mine.csv", content=b"", headers=CSV)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "mine.csv is empty; also known as mine.csv"
    assert list(uploads.iterdir()) == []


def test_only_the_owner_can_read(api, control, uploads):
    """The directory and each file: they hold telephone numbers."""
    modes = []

    async def import_contacts(name, source, filename):
        modes.append(stat.S_IMODE(source.stat().st_mode))
        raise ContactFileError("seen")

    control.import_contacts = import_contacts
    api("PUT", "/v1/contact-lists/spring", content=b"phone\n", headers=CSV)
    assert modes == [0o600]
    assert stat.S_IMODE(uploads.stat().st_mode) == 0o700


@pytest.mark.parametrize("filename", ["", "a/b", "..\\x", "x" * 101, "a\nb"])
def test_file_names_are_names(api, control, filename):
    """They stand in the catalogue and in answers."""
    answer = api("PUT", "/v1/contact-lists/spring", params={"filename": filename}, content=b"x", headers=CSV)
    assert answer.status_code == 422
    assert control.uploaded is None


def test_a_full_disk(api, control, path, uploads, monkeypatch):
    """Nothing was imported; the client may try again."""

    def write(descriptor, piece):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("dialer.serve.uploads.os.write", write)
    answer = api("PUT", path, content=b"phone\n", headers=CSV)
    assert answer.status_code == 503
    assert "No space left on device; make room" in answer.json()["detail"]
    assert control.uploaded is None
    assert list(uploads.iterdir()) == []


def test_short_writes_are_continued(api, control, monkeypatch):
    """The system may take less than it is given."""
    real = os.write
    monkeypatch.setattr("dialer.serve.uploads.os.write", lambda descriptor, piece: real(descriptor, piece[:7]))
    api("PUT", "/v1/contact-lists/spring", content=b"0123456789" * 10, headers=CSV)
    assert control.uploaded[1] == b"0123456789" * 10


def test_a_client_that_goes_away(app, clients, control, uploads, caplog):
    """Half a file is not a file; nobody is to blame in the log."""
    headers = next(iter(clients.values())).headers | CSV
    sent = []
    arriving = iter([{"type": "http.request", "body": b"phone\n+1", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(arriving)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PUT",
        "scheme": "http",
        "path": "/v1/contact-lists/spring",
        "raw_path": b"/v1/contact-lists/spring",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(app(scope, receive, send))
    assert json.loads(sent[1]["body"])["detail"].startswith("the connection ended before the request did")
    assert control.uploaded is None
    assert list(uploads.iterdir()) == []
    assert not caplog.records


def test_a_cancelled_request_leaves_nothing(app, clients, control, uploads):
    """Serve cancels a handler whose client has gone."""

    async def main():
        reached = asyncio.Event()

        async def import_contacts(name, source, filename):
            assert source.exists()
            reached.set()
            await asyncio.Event().wait()

        control.import_contacts = import_contacts
        headers = next(iter(clients.values())).headers | CSV
        scope = {
            "type": "http",
            "method": "PUT",
            "path": "/v1/contact-lists/spring",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }

        async def receive():
            return {"type": "http.request", "body": b"phone\n", "more_body": False}

        async def send(message):
            pytest.fail("no answer to nobody")

        request = asyncio.create_task(app(scope, receive, send))
        await reached.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    asyncio.run(main())
    assert list(uploads.iterdir()) == []


def test_left_overs_of_a_crash_go_at_the_start(control, keys, uploads):
    """They hold telephone numbers; nothing else in the directory is touched."""
    uploads.mkdir()
    (uploads / "upload-abc.csv").write_text("phone\n")
    (uploads / "notes.txt").write_text("mine")
    build_app(control, keys, upload_dir=uploads)
    assert [path.name for path in uploads.iterdir()] == ["notes.txt"]
    Uploads(uploads)
    assert (uploads / "notes.txt").exists()
