"""Automations over HTTP: what is asked, what counts as an answer, and what does not."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dialer.domain.media import AutomationAnswered, CallAutomation
from dialer.domain.specs import SECOND_US
from dialer.telephony.automation import MAX_BODY, AutomationPort

REPLIES = {
    "/text": (200, b'{"answer": "yes", "more": 1}'),
    "/number": (200, b'{"answer": 7}'),
    "/empty": (204, b""),
    "/none": (200, b"{}"),
    "/list": (200, b"[]"),
    "/deep": (200, b'{"answer": {}}'),
    "/broken": (200, b"{"),
    "/error": (500, b'{"answer": "yes"}'),
    "/away": (302, b""),
    "/large": (200, b" " * MAX_BODY + b'{"answer": "yes"}'),
}


class Automation(BaseHTTPRequestHandler):
    """Answers by path, and keeps what was asked."""

    def do_POST(self):
        """One request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, json.loads(body)))
        if self.path == "/slow":
            self.server.hold.wait(5)
        status, reply = REPLIES.get(self.path.partition("?")[0], (404, b""))
        self.send_response(status)
        self.send_header("Location", "/text")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Automation)
    made.daemon_threads = True
    made.asked = []
    made.hold = threading.Event()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.hold.set()
    made.shutdown()
    thread.join()
    made.server_close()


def ask(url, fields=(), timeout_us=3 * SECOND_US):
    """What is told of one order."""

    async def go():
        told = asyncio.get_running_loop().create_future()
        port = AutomationPort(told.set_result)
        port.submit(CallAutomation(1, 2, url, fields, timeout_us))
        answered = await told
        await port.stop()
        return answered

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("path", "ok", "answer"),
    [
        ("/text", True, "yes"),
        ("/number", True, "7"),
        ("/empty", True, ""),
        ("/none", True, ""),
        ("/list", False, ""),
        ("/deep", False, ""),
        ("/broken", False, ""),
        ("/error", False, ""),
        ("/away", False, ""),
        ("/large", False, ""),
        ("/unknown", False, ""),
    ],
)
def test_answers_and_failures(server, path, ok, answer):
    """Requirement 29. One request, never a second one, and never somewhere else."""
    url = f"http://127.0.0.1:{server.server_port}{path}"
    assert ask(url) == AutomationAnswered(1, 2, ok, answer)
    assert [at for at, _ in server.asked] == [path]


def test_what_is_asked(server):
    """The fields are a JSON object; path and query are those of the URL."""
    ask(f"http://127.0.0.1:{server.server_port}/text?key=a%2Fb", (("who", 'a "b"'),))
    assert server.asked == [("/text?key=a%2Fb", {"who": 'a "b"'})]


def test_time_is_limited(server):
    """Whoever takes longer has not answered."""
    url = f"http://127.0.0.1:{server.server_port}/slow"
    assert ask(url, timeout_us=SECOND_US // 5) == AutomationAnswered(1, 2, ok=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://127.0.0.1:99999/", "https://127.0.0.1:9/"])
def test_nobody_there(url):
    assert ask(url) == AutomationAnswered(1, 2, ok=False)
