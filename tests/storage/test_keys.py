"""API keys: shown once, kept as hashes, found by the running service as soon as they are made."""

import json
import os
import stat
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from dialer.errors import ConfigError, DataDirectoryError, NotFoundError
from dialer.storage.keys import Key, KeyFile, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path):
    return KeyFile(tmp_path / "data" / "keys.json")


def test_a_key_is_found_by_its_holder_only(keys):
    """The whole key finds the record; a part of it, or another's secret, does not."""
    key = keys.create("ops", Role.ADMIN, NOW)
    other = keys.create("ops", Role.READ, NOW)
    found = keys.find(key)
    assert (found.name, found.role, found.created) == ("ops", Role.ADMIN, NOW)
    prefix, key_id, secret = key.split("_")
    assert (prefix, key_id, len(bytes.fromhex(secret))) == ("dk", found.id, 32)
    for wrong in ("", key_id, secret, key[:-1], key + "0", key.upper(), f"dk_{key_id}_{other.split('_')[2]}"):
        assert keys.find(wrong) is None
    assert keys.find(f"dk_00000000_{'0' * 64}") is None
    assert keys.find("dk_é_é") is None


def test_the_file_holds_no_secret(keys):
    """Neither the file, nor a record's picture, gives a key away; others cannot read it."""
    key = keys.create("ops", Role.ADMIN, NOW)
    secret = key.split("_")[2]
    text = keys.path.read_text()
    assert secret not in text
    assert json.loads(text)["keys"][0].keys() == {"id", "name", "role", "sha256", "created"}
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert keys.find(key).digest not in repr(keys.find(key))


def test_mode_survives_a_loose_umask_and_a_left_over(keys):
    """An interrupted write leaves a file behind; the next one neither trips over it nor takes over its mode."""
    keys.path.parent.mkdir()
    left = keys.path.with_suffix(".unfinished")
    left.write_text("half")
    left.chmod(0o644)
    before = os.umask(0)
    try:
        keys.create("ops", Role.ADMIN, NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert not left.exists()


def test_keys_made_elsewhere_work_at_once(keys):
    """The command line changes the file while the service holds its own picture of it."""
    service = KeyFile(keys.path)
    assert service.list() == []
    key = keys.create("ops", Role.ADMIN, NOW)
    assert service.find(key).name == "ops"
    keys.revoke(service.find(key).id)
    assert service.find(key) is None
    again = keys.create("ops", Role.ADMIN, NOW)
    assert service.find(again) is not None
    keys.path.unlink()
    assert service.find(again) is None


def test_a_swap_of_equal_size_and_time_is_noticed(keys, tmp_path):
    """Two changes within one tick of the file system's clock leave nothing but the inode to tell them apart."""
    first = keys.create("ops", Role.ADMIN, NOW)
    assert keys.find(first) is not None
    status = keys.path.stat()
    other = KeyFile(tmp_path / "other.json")
    second = other.create("ops", Role.ADMIN, NOW)
    os.utime(other.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert other.path.stat().st_size == status.st_size
    other.path.replace(keys.path)
    assert keys.find(first) is None
    assert keys.find(second) is not None


def test_the_file_is_read_only_when_it_has_changed(keys, monkeypatch):
    """A request costs one look at the file's status."""
    key = keys.create("ops", Role.ADMIN, NOW)
    assert keys.find(key) is not None
    monkeypatch.setattr("dialer.storage.keys._parsed", lambda path: pytest.fail("read again"))
    assert keys.find(key) is not None


def test_list_is_oldest_first_and_in_utc(keys):
    """Moments of other zones are turned into UTC."""
    keys.create("late", Role.READ, NOW + timedelta(days=1))
    keys.create("early", Role.AGENT, NOW.astimezone(timezone(timedelta(hours=-5))))
    listed = keys.list()
    assert [key.name for key in listed] == ["early", "late"]
    assert listed[0].created.isoformat() == "2026-03-02T09:00:00+00:00"
    assert all(isinstance(key, Key) for key in listed)


def test_concurrent_makers_lose_nothing(keys):
    """Two command lines at the same moment: both keys are there."""
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(KeyFile(keys.path).create("ops", Role.READ, NOW)))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({keys.find(key).id for key in made}) == 16


def test_revoke_names_a_missing_key(keys):
    """And leaves the others."""
    key = keys.create("ops", Role.ADMIN, NOW)
    with pytest.raises(NotFoundError, match="no key 'nope'"):
        keys.revoke("nope")
    assert keys.find(key) is not None


@pytest.mark.parametrize("name", ["", " ops", "a\nb", "x" * 64, "naïve", "<b>"])
def test_names_are_plain(keys, name):
    """They stand in lists and logs."""
    with pytest.raises(ConfigError, match="name of a key"):
        keys.create(name, Role.ADMIN, NOW)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 1, "keys": [{"id": "a"}]}', '{"version": 1, "keys": 5}', "\xff"]
)
def test_a_damaged_file_is_said_so(keys, text):
    """Nobody is let in, and nothing is overwritten."""
    keys.path.parent.mkdir()
    keys.path.write_text(text, encoding="latin-1")
    with pytest.raises(DataDirectoryError, match="damaged"):
        keys.find(f"dk_00000000_{'0' * 64}")
    with pytest.raises(DataDirectoryError, match="damaged"):
        keys.create("ops", Role.ADMIN, NOW)
    assert keys.path.read_text(encoding="latin-1") == text


def test_a_newer_file_is_refused(keys):
    """It may mean something else."""
    keys.path.parent.mkdir()
    keys.path.write_text('{"version": 2, "keys": []}')
    with pytest.raises(DataDirectoryError, match="newer dialer"):
        keys.list()


def test_a_place_that_cannot_be_used(tmp_path):
    """One line, whether it is read or written."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirectoryError, match="cannot be written"):
        KeyFile(tmp_path / "file" / "keys.json").create("ops", Role.ADMIN, NOW)
    with pytest.raises(DataDirectoryError, match="cannot be read"):
        KeyFile(tmp_path / "file" / "keys.json").list()
