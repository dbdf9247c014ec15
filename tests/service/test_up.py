"""The service as an operator starts it: ``dialer up`` in a process of its own, its API over HTTP, and its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

pytestmark = pytest.mark.cluster

START = "2026-12-01T19:00Z"  #: a Tuesday, when everybody from Maine to Hawaii may be called
PATIENCE_S = 90


def dialer(*args, **options):
    """One command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "dialer", *args],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **options,
    )


def wait_for(what):
    """Ask until the answer is true."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        answer = what()
        if answer:
            return answer
        time.sleep(0.3)
    pytest.fail(f"never: {what}")


class Service:
    """A running ``dialer up`` and a client with a key of its own."""

    def __init__(self, folder, port):
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        (folder / "dialer.yaml").write_text(
            f"data: data\nport: {port}\n"
            "trunks: [{name: main, lines: 60, calls_per_s: 20, profile: eager}]\n"
            "queues: [{name: sales}]\n"
        )
        self.start()
        key = dialer("key", "create", "test", cwd=folder).stdout.strip()
        self.client = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {key}"}, timeout=30)

    def start(self):
        """Start it and wait until it says where it is."""
        with (self.folder / "up.log").open("w") as log:
            command = [sys.executable, "-m", "dialer", "up", "--speed", "60"]
            command += [] if (self.folder / "data").exists() else ["--start", START]
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True, env=os.environ
            )
        wait_for(lambda: "ready after" in (self.folder / "up.log").read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, (self.folder / "up.log").read_text()

    def call(self, method, path, status=200, **options):
        """One request."""
        answer = self.client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def campaign(self, name, **more):
        """Keep a campaign over the list ``spring``."""
        file = {"name": name, "caller_id": "+12125550100", "max_attempts": 1, **more}
        return self.call("PUT", f"/v1/campaigns/{name}", json={"file": file, "lists": ["spring"]})

    def state(self, name):
        """State of a campaign, as recorded."""
        return self.call("GET", f"/v1/campaigns/{name}")["state"]

    def end(self):
        """End it, whatever it is doing."""
        if self.process.poll() is None:
            self.process.terminate()  # as a person would: its own processes are its own to end
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One service for all tests of this file, with a list of forty contacts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = Service(tmp_path_factory.mktemp("service"), port)
    try:
        rows = "".join(f"Contact {number},+12125550{number}\n" for number in range(100, 140))
        running.call(
            "PUT", "/v1/contact-lists/spring", content="name,phone\n" + rows, headers={"content-type": "text/csv"}
        )
        yield running
    finally:
        running.end()


@pytest.mark.timeout(300)
def test_a_campaign_from_upload_to_report(service):
    """Without a key nothing; with one: agents log in, a campaign dials to its end, and the report adds up."""
    assert httpx.get(f"{service.url}/v1/campaigns").status_code == 401
    assert httpx.get(f"{service.url}/health").json() == {"alive": True, "ready": True}
    for agent in ("a1", "a2"):
        service.call("PUT", f"/v1/agents/{agent}", json={"queues": ["sales"]})
        service.call("POST", f"/v1/agents/{agent}/login", 202)
    wait_for(lambda: [a["state"] for a in service.call("GET", "/v1/agents")["items"]] == ["idle", "idle"])
    service.campaign("calls", mode="progressive", queue="sales")
    service.call("POST", "/v1/campaigns/calls/start", 202)
    wait_for(lambda: service.call("GET", "/v1/campaigns/calls/progress")["attempts"])
    service.call("POST", "/v1/campaigns/calls/pause", 202)
    wait_for(lambda: service.state("calls") == "paused")
    service.call("POST", "/v1/campaigns/calls/resume", 202)
    wait_for(lambda: service.state("calls") == "completed")
    report = service.call("GET", "/v1/campaigns/calls/report")
    assert report["attempts"] == sum(report["outcomes"].values()) == 40
    assert service.call("POST", "/v1/campaigns/calls/stop", 409)["type"] == "urn:dialer:error:conflict"


@pytest.mark.timeout(300)
def test_the_command_line_asks_the_service(service):
    """Audit, why and status work while the service holds the data directory; a second service does not."""
    service.campaign("notices", mode="agentless", flow="reminder", concurrency=20)
    service.call("POST", "/v1/campaigns/notices/start", 202)
    wait_for(lambda: service.state("notices") == "completed")
    audit = dialer("audit", "data", "--json", cwd=service.folder)
    assert (audit.returncode, json.loads(audit.stdout)["clean"]) == (0, True)
    assert "dialable" in dialer("why", "data", "notices", cwd=service.folder).stdout
    assert "+*********" in dialer("why", "data", "notices", "1", cwd=service.folder).stdout
    assert "notices: completed" in dialer("status", cwd=service.folder).stdout
    second = dialer("up", cwd=service.folder)
    assert second.returncode == 2
    assert len(second.stderr.splitlines()) == 1
    assert "cannot listen on" in second.stderr
    other = dialer("run", "c.yaml", "--data", "data", cwd=service.folder)
    assert other.returncode == 2


@pytest.mark.timeout(300)
def test_down_and_up_again(service):
    """``down`` ends the service, and the next one goes on with the campaign that was dialling, its agents known."""
    service.campaign("again", mode="agentless", flow="reminder", concurrency=1)
    run_no = service.call("POST", "/v1/campaigns/again/start", 202)["run_no"]
    wait_for(lambda: service.call("GET", "/v1/campaigns/again/progress")["attempts"])
    assert dialer("down", cwd=service.folder).returncode == 0
    assert service.process.wait(PATIENCE_S) == 0
    assert dialer("status", cwd=service.folder).returncode == 2
    assert dialer("audit", "data", cwd=service.folder).returncode == 0
    service.start()
    wait_for(lambda: service.state("again") == "completed")
    assert service.call("GET", "/v1/campaigns/again")["run_no"] == run_no
    assert [a["agent"] for a in service.call("GET", "/v1/agents")["items"]] == ["a1", "a2"]
