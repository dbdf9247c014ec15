"""The API against a dialer in memory: a fake of its port, and a client for each role."""
# ruff: noqa: D102 - the fake's members are those of the port, and described there

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest

from dialer.domain.keeper_view import CampaignRow
from dialer.domain.keeping import Desire, Ending, RunNote, ScrubNote, Status
from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.schedule import RecurrenceUnit, Schedule
from dialer.domain.views import CampaignView, Snapshot, TrunkView
from dialer.errors import NotFoundError
from dialer.serve.app import build_app
from dialer.storage.keys import KeyFile, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MAX_UPLOAD_BYTES = 3 << 20

VIEW = CampaignView(
    campaign="spring",
    mode=DialingMode.PROGRESSIVE,
    state=CampaignState.ACTIVE,
    contacts=10,
    done=4,
    in_play=1,
    resting=2,
    parked=1,
    fresh=2,
    attempts=6,
    calls_up=1,
    outcomes={"connected": 4, "busy": 2},
    connected=4,
    abandoned=0,
    reason="",
)
FILE = {"name": "spring", "mode": "progressive", "caller_id": 12125550199, "queue": "sales"}
CAMPAIGN = {
    "name": "spring",
    "file": FILE,
    "lists": ["people"],
    "dnc_lists": ["company"],
    "run_no": 1,
    "desired": "active",
    "state": "active",
    "progress": VIEW,
    "row": CampaignRow(
        name="spring",
        mode=DialingMode.PROGRESSIVE,
        priority=5,
        status=Status.ACTIVE,
        lists=("people",),
        connection="sales",
        last_run_us=20,
        updated_us=10,
        next_start_us=30,
        desired=Desire.ACTIVE,
        run_no=1,
        ending=None,
        version=2,
        schedule=Schedule("America/New_York", datetime(2026, 3, 2, 9), unit=RecurrenceUnit.DAY),  # noqa: DTZ001
        scrub=ScrubNote(15, 11, 10),
    ),
}
NOTES = [
    RunNote("spring", 1, 1, 0, 20, 25, Ending.STOPPED, "stopped by an operator"),
    RunNote("spring", 2, 0, 30, 0, 45, Ending.SKIPPED, "the dialer was not running"),
]
LIST = {
    "name": "spring",
    "path": "lists/spring/v1.parquet",
    "version": 1,
    "source": "spring.csv",
    "rows": 3,
    "contacts": 2,
    "excluded": {"duplicate": 1},
    "columns": ["first_name"],
}
DNC = {k: LIST[k] for k in ("path", "version", "source", "rows", "contacts", "excluded")} | {"global": True}
REPORT = {
    "run_no": 1,
    "campaign": "spring",
    "state": "active",
    "attempts": 6,
    "outcomes": {"connected": 4, "busy": 2},
    "undialled": {"expired": 1},
    "open": 1,
    "connected": 4,
    "abandoned": 0,
    "live_answers": 4,
    "abandon_ratio": 0.0,
    "agents": 2,
    "utilisation_ratio": 0.5,
    "dials_per_s": 0.1,
    "answer_to_agent_ms": {"p50": 10.0, "p99": None, "max": None},
    "virtual_s": 60.0,
    "timeline": [{"at_us": 0, "attempts": 6, "connected": 4, "abandoned": 0}],
    "by_hour": [],
}
CONTACT = {
    "campaign": "spring",
    "run_no": 1,
    "number": "+*********00",
    "state": "due",
    "reason": "nothing stands against it but the hours",
    "attempts": [],
    "next_us": 5,
}
DESK = {
    "status": "busy",
    "campaign": "spring",
    "attempt_id": "8796093022209",
    "fields": {"first_name": "Ann"},
    "until_us": 9,
    "may_skip": True,
    "muted": False,
    "held": False,
    "reason": "",
}
FINDING = {"invariant": "trunk_lines", "title": "no trunk above its lines", "cases": 6, "violations": 0, "examples": ()}


class FakeControl:
    """Answers from memory, notes each call, and fails with ``error`` if it is set."""

    def __init__(self):
        self.calls = []
        self.error = None
        self.uploaded = None
        self.campaign_docs = {"spring": CAMPAIGN}
        self.agent_docs = [{"agent": "a1", "queues": ["sales"], "state": "idle"}]
        self.ready = {"ready": True, "reasons": []}

    def note(self, *call):
        self.calls.append(call)
        if self.error is not None:
            raise self.error

    async def contact_lists(self):
        self.note("contact_lists")
        return [LIST]

    async def contact_list(self, name):
        self.note("contact_list", name)
        return LIST

    async def import_contacts(self, name, source, filename):
        self.uploaded = (source, source.read_bytes())
        self.note("import_contacts", name, filename)
        return LIST

    async def mapping_lists(self):
        self.note("mapping_lists")
        return [LIST]

    async def import_mapping(self, name, source, filename):
        self.uploaded = (source, source.read_bytes())
        self.note("import_mapping", name, filename)
        return LIST

    async def dnc_lists(self):
        self.note("dnc_lists")
        return [{"name": "company", **DNC}]

    async def import_dnc(self, name, source, everywhere):
        self.uploaded = (source, source.read_bytes())
        self.note("import_dnc", name, everywhere)
        return {"name": name, **DNC, "global": everywhere}

    async def add_to_dnc(self, name, numbers, source):
        self.note("add_to_dnc", name, numbers, source)
        return len(numbers)

    async def remove_from_dnc(self, name, numbers, source):
        self.note("remove_from_dnc", name, numbers, source)
        return len(numbers)

    async def queues(self):
        self.note("queues")
        return [{"name": "sales", "pool": "main"}]

    async def put_queue(self, name, pool):
        self.note("put_queue", name, pool)
        return {"name": name, "pool": pool}

    async def trunks(self):
        self.note("trunks")
        return [{"name": "main", "lines": 100, "calls_per_s": 10, "profile": "typical"}]

    async def agents(self):
        self.note("agents")
        return self.agent_docs

    async def put_agent(self, agent, queues):
        self.note("put_agent", agent, queues)
        return {"agent": agent, "queues": queues, "state": "offline"}

    async def agent(self, agent):
        self.note("agent", agent)
        return {"agent": agent, "queues": ["sales"], "state": "preview", **DESK}

    async def order_agent(self, agent, order):
        self.note("order_agent", agent, order)

    async def campaigns(self):
        self.note("campaigns")
        return list(self.campaign_docs.values())

    async def campaign(self, name):
        self.note("campaign", name)
        if name not in self.campaign_docs:
            raise NotFoundError(f"there is no campaign {name!r}")
        return self.campaign_docs[name]

    async def put_campaign(self, file, lists, dnc_lists):
        self.note("put_campaign", file, lists, dnc_lists)
        return {**CAMPAIGN, "file": file.model_dump(mode="json"), "lists": lists, "run_no": None, "progress": None}

    async def start_campaign(self, name):
        self.note("start_campaign", name)
        return {"campaign": name, "run_no": 2, "continued": False}

    async def command_campaign(self, name, action):
        self.note("command_campaign", name, action)

    async def rerun_campaign(self, name):
        self.note("rerun_campaign", name)
        return {"campaign": name, "run_no": 3, "continued": False}

    async def clone_campaign(self, name, to):
        self.note("clone_campaign", name, to)
        return {**CAMPAIGN, "name": to}

    async def delete_campaign(self, name):
        self.note("delete_campaign", name)

    async def schedule_campaign(self, name, schedule):
        self.note("schedule_campaign", name, schedule)
        return {**CAMPAIGN, "row": replace(CAMPAIGN["row"], schedule=schedule)}

    async def runs(self, name):
        self.note("runs", name)
        return NOTES

    async def report(self, name):
        self.note("report", name)
        return REPORT

    async def why(self, name, contact):
        self.note("why", name, contact)
        return [("rows in the list", 11), ("dialable", 10)] if contact is None else CONTACT

    async def audit(self):
        self.note("audit")
        return [FINDING]

    async def snapshot(self):
        self.note("snapshot")
        return Snapshot(7, 1.5, (VIEW,), {"idle": 1}, (TrunkView("main", 100, 1, 10, 0),))

    async def health(self):
        self.note("health")
        return self.ready


class Client:
    """Calls an application, in an event loop of its own each time."""

    def __init__(self, app, key):
        self.app = app
        self.headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    def __call__(self, method, path, *, headers=None, **options):
        async def call():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://dialer") as http:
                return await http.request(method, path, headers={**self.headers, **(headers or {})}, **options)

        return asyncio.run(call())


@pytest.fixture
def control():
    return FakeControl()


@pytest.fixture
def keys(tmp_path):
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def app(control, keys, tmp_path):
    return build_app(control, keys, upload_dir=tmp_path / "uploads", max_upload_bytes=MAX_UPLOAD_BYTES)


@pytest.fixture
def clients(app, keys):
    """A client for each role."""
    return {role: Client(app, keys.create(role.value, role, NOW)) for role in Role}


@pytest.fixture
def api(clients):
    """An admin's client."""
    return clients[Role.ADMIN]


@pytest.fixture
def stranger(app):
    """A client without a key."""
    return Client(app, None)


@pytest.fixture
def call_all(app):
    """Every operation of the description, as a request that is well formed: its examples are the bodies."""
    document = app.openapi()

    def resolved(schema):
        return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema

    def request(method, path, operation):
        options = {
            "params": {
                p["name"]: "true" for p in operation.get("parameters", ()) if p["in"] == "query" and p["required"]
            }
        }
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            options["headers"] = {"Content-Type": media_type}
            if media_type == "text/csv":
                options["content"] = content["example"]
            else:
                options["json"] = resolved(content["schema"])["examples"][0]
        return SimpleNamespace(
            id=operation["operationId"],
            method=method.upper(),
            template=path,
            path=path.format(name="spring"),
            options=options,
            operation=operation,
        )

    return [
        request(method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


@pytest.fixture(autouse=True)
def _log(caplog):
    """Everything that is logged can be looked at."""
    caplog.set_level(logging.DEBUG, logger="dialer")
