"""Every operation on its good path: what it asks of the dialer, and what it answers."""

import pytest

from dialer.config import CampaignFile
from dialer.domain import commands as c
from dialer.errors import ServiceError

FILE = {"name": "spring", "mode": "progressive", "caller_id": "+12125550199", "queue": "sales"}
CSV = {"content": b"phone\n+12125550100\n", "headers": {"Content-Type": "text/csv; charset=utf-8"}}


def ok(answer, status=200):
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def test_contact_lists(api, control):
    """Upload, list, show: the same shape, without the path on the server's disk."""
    put = ok(api("PUT", "/v1/contact-lists/spring?filename=My list.csv", **CSV))
    assert control.calls == [("import_contacts", "spring", "My list.csv")]
    assert put == ok(api("GET", "/v1/contact-lists/spring"))
    assert ok(api("GET", "/v1/contact-lists")) == {"items": [put], "next_cursor": None}
    assert put.keys() == {"name", "version", "source", "rows", "contacts", "excluded", "columns"}
    assert put["rows"] == put["contacts"] + sum(put["excluded"].values())


def test_mapping_lists(api, control):
    """Requirement 90. Upload and list."""
    put = ok(api("PUT", "/v1/mapping-lists/vip?filename=vip.csv", **CSV))
    assert control.calls == [("import_mapping", "vip", "vip.csv")]
    assert ok(api("GET", "/v1/mapping-lists"))["items"] == [put]


def test_dnc_lists(api, control):
    """Upload and list; whether it applies everywhere is never assumed."""
    put = ok(api("PUT", "/v1/dnc-lists/company?everywhere=false", **CSV))
    assert (put["everywhere"], put["numbers"]) == (False, 2)
    assert control.calls == [("import_dnc", "company", False)]
    assert ok(api("GET", "/v1/dnc-lists"))["items"][0]["everywhere"] is True
    assert api("PUT", "/v1/dnc-lists/company", **CSV).status_code == 422


def test_dnc_numbers(api, control, keys):
    """Numbers go on and off a list, with a record of who wanted it."""
    (admin,) = (key for key in keys.list() if key.name == "admin")
    body = {"numbers": ["+12125550100", "+12125550101"], "source": "email"}
    assert ok(api("POST", "/v1/dnc-lists/company/numbers", json=body)) == {"numbers": 2}
    assert ok(api("POST", "/v1/dnc-lists/company/numbers/remove", json={"numbers": ["+12125550100"]})) == {"numbers": 1}
    assert [call[:3] for call in control.calls] == [
        ("add_to_dnc", "company", [12125550100, 12125550101]),
        ("remove_from_dnc", "company", [12125550100]),
    ]
    assert control.calls[0][3] == f"email (key {admin.id}, admin)"


def test_queues(api, control):
    """Declared into a pool, main if none is said."""
    assert ok(api("PUT", "/v1/queues/sales", json={})) == {"name": "sales", "pool": "main"}
    assert ok(api("PUT", "/v1/queues/sales", json={"pool": "two"}))["pool"] == "two"
    assert ok(api("GET", "/v1/queues"))["items"] == [{"name": "sales", "pool": "main"}]
    assert control.calls[:2] == [("put_queue", "sales", "main"), ("put_queue", "sales", "two")]


def test_agents(api, control):
    """Declared with their queues, shown with their state."""
    assert ok(api("PUT", "/v1/agents/a1", json={"queues": ["sales"]}))["state"] == "offline"
    assert ok(api("GET", "/v1/agents"))["items"] == [{"agent": "a1", "queues": ["sales"], "state": "idle"}]
    assert control.calls[0] == ("put_agent", "a1", ["sales"])


PRESENCE = {"login": c.LogIn, "logout": c.LogOut, "break": c.TakeBreak, "resume": c.EndBreak}


@pytest.mark.parametrize("action", PRESENCE)
def test_presence(api, control, action):
    """Accepted, not yet done: the agent's call comes first."""
    assert ok(api("POST", f"/v1/agents/a1/{action}"), 202) is None
    assert control.calls == [("order_agent", "a1", PRESENCE[action]("a1"))]


def test_a_break_may_have_a_reason(api, control):
    ok(api("POST", "/v1/agents/a1/break", json={"reason": "lunch"}), 202)
    assert control.calls == [("order_agent", "a1", c.TakeBreak("a1", "lunch"))]


def test_a_desk_shows_call_and_contact(api):
    """Requirements 37, 53."""
    desk = ok(api("GET", "/v1/agents/a1"))
    assert (desk["state"], desk["campaign"], desk["attempt_id"]) == ("preview", "spring", "8796093022209")
    assert desk["fields"] == {"first_name": "Ann"}
    assert desk["may_skip"]


#: What a desk says of a call, and what reaches the agent. The id has more digits than a JSON number keeps.
ATTEMPT = 9_007_199_254_740_993
CALL_ORDERS = [
    ("dial", {}, c.DialNow("a1", ATTEMPT)),
    ("skip", {}, c.SkipContact("a1", ATTEMPT)),
    ("hang-up", {}, c.EndCall("a1", ATTEMPT)),
    ("sound", {"muted": True}, c.SetCall("a1", ATTEMPT, muted=True, held=False)),
    ("sound", {"held": True}, c.SetCall("a1", ATTEMPT, muted=False, held=True)),
    ("disposition", {"code": "sale", "notes": "two"}, c.SetDisposition("a1", ATTEMPT, "sale", "two")),
    (
        "disposition",
        {"code": "later", "callback_at": "2026-03-04T10:30:00-05:00", "personal": True},
        c.SetDisposition("a1", ATTEMPT, "later", "", 1_772_638_200_000_000, personal=True),
    ),
]


@pytest.mark.parametrize(("action", "body", "order"), CALL_ORDERS)
def test_what_a_desk_says_of_a_call(api, control, action, body, order):
    """Requirements 38, 46, 56, 57."""
    assert ok(api("POST", f"/v1/agents/a1/{action}", json={"attempt_id": str(ATTEMPT), **body}), 202) is None
    assert control.calls == [("order_agent", "a1", order)]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("dial", {}),
        ("skip", {"attempt_id": "-1"}),
        ("disposition", {"attempt_id": "5", "code": "Not A Slug"}),
        ("disposition", {"attempt_id": "5", "code": "later", "callback_at": "2026-03-04T10:30:00"}),  # whose clock?
        ("break", {"reason": "x" * 65}),
    ],
)
def test_a_desk_is_told_what_is_wrong(api, control, action, body):
    assert api("POST", f"/v1/agents/a1/{action}", json=body).status_code == 422
    assert control.calls == []


def test_put_campaign(api, control):
    """The file of a campaign as JSON; what is left out gets its default."""
    kept = ok(api("PUT", "/v1/campaigns/spring", json={"file": FILE, "lists": ["people"]}))
    ((_, file, lists, dnc_lists),) = control.calls
    assert file == CampaignFile.model_validate(FILE)
    assert (lists, list(dnc_lists)) == (["people"], [])
    assert kept["file"]["max_attempts"] == 3
    assert (kept["file"]["caller_id"], kept["run_no"], kept["progress"]) == (12125550199, None, None)


def test_what_is_shown_can_be_put_again(api, control):
    """Show, change one field, put."""
    shown = ok(api("GET", "/v1/campaigns/spring"))
    shown["file"]["priority"] = 1
    again = ok(api("PUT", "/v1/campaigns/spring", json={"file": shown["file"], "lists": shown["lists"]}))
    assert again["file"] == shown["file"]


def test_show_campaigns(api):
    """With state and progress."""
    shown = ok(api("GET", "/v1/campaigns/spring"))
    assert (shown["state"], shown["progress"]["connected"]) == ("active", 4)
    assert ok(api("GET", "/v1/campaigns"))["items"] == [shown]


def test_start_campaign(api, control):
    """The run's number comes back."""
    started = ok(api("POST", "/v1/campaigns/spring/start"), 202)
    assert started == {"campaign": "spring", "run_no": 2, "continued": False}
    assert control.calls == [("start_campaign", "spring")]


@pytest.mark.parametrize("action", ["pause", "resume", "stop"])
def test_campaign_orders(api, control, action):
    """Accepted; the dialer repeats them until they have happened."""
    assert ok(api("POST", f"/v1/campaigns/spring/{action}"), 202) is None
    assert control.calls == [("command_campaign", "spring", action)]


def test_progress_report_and_why(api, control):
    """Three looks at a run."""
    progress = ok(api("GET", "/v1/campaigns/spring/progress"))
    assert sum(progress[part] for part in ("done", "in_play", "resting", "parked", "fresh")) == progress["contacts"]
    assert ok(api("GET", "/v1/campaigns/spring/report"))["answer_to_agent_ms"]["p99"] is None
    assert ok(api("GET", "/v1/campaigns/spring/why")) == {
        "campaign": "spring",
        "reason": "",
        "steps": [{"label": "rows in the list", "contacts": 11}, {"label": "dialable", "contacts": 10}],
    }
    assert ok(api("POST", "/v1/campaigns/spring/why", json={"contact": "+12125550100"}))["next_us"] == 5
    assert control.calls[-1] == ("why", "spring", "+12125550100")


def test_a_report_may_say_more(api, control, monkeypatch):
    """Keys that a later dialer adds reach the client."""

    async def report(name):
        return {**(await type(control).report(control, name)), "new_figure": 1}

    monkeypatch.setattr(control, "report", report)
    assert ok(api("GET", "/v1/campaigns/spring/report"))["new_figure"] == 1


@pytest.mark.parametrize(("method", "what"), [("GET", "progress"), ("GET", "report"), ("GET", "why"), ("POST", "why")])
def test_before_the_first_start(api, control, method, what):
    """There is nothing to see yet, and the answer says what to do."""
    control.campaign_docs["spring"] = {**control.campaign_docs["spring"], "run_no": None, "progress": None}
    body = {"json": {"contact": "5"}} if method == "POST" else {}
    answer = api(method, f"/v1/campaigns/spring/{what}", **body)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "campaign spring has never been started; start it first"


def test_progress_not_known_yet(api, control):
    """After a restart the figures take a moment; the reasons on record do not."""
    control.campaign_docs["spring"] = {**control.campaign_docs["spring"], "progress": None}
    assert api("GET", "/v1/campaigns/spring/progress").status_code == 503
    assert ok(api("GET", "/v1/campaigns/spring/why"))["reason"] == ""


def test_system(api, control):
    """Health, snapshot, audit, trunks."""
    assert ok(api("GET", "/v1/health")) == {"ready": True, "reasons": []}
    picture = ok(api("GET", "/v1/snapshot"))
    assert (picture["now_us"], picture["agents"]) == (7, {"idle": 1})
    assert picture["trunks"] == [{"trunk": "main", "lines": 100, "lines_in_use": 1, "calls_per_s": 10, "queued": 0}]
    assert picture["campaigns"][0] == ok(api("GET", "/v1/campaigns/spring/progress"))
    assert ok(api("GET", "/v1/audit"))["clean"] is True
    assert ok(api("GET", "/v1/trunks"))["items"][0]["lines"] == 100


def test_probe(stranger, control):
    """Anybody may know whether calls can be made; not why not."""
    assert ok(stranger("GET", "/health")) == {"alive": True, "ready": True}
    control.ready = {"ready": False, "reasons": ["store/main has not started yet"]}
    assert ok(stranger("GET", "/health"), 503) == {"alive": True, "ready": False}
    control.error = ServiceError("the dialer does not answer")
    assert ok(stranger("GET", "/health"), 503) == {"alive": True, "ready": False}


def test_probe_does_not_wait_for_ever(stranger, control, monkeypatch):
    """A dialer that hangs is not ready."""

    async def health():
        raise TimeoutError

    monkeypatch.setattr(control, "health", health)
    assert stranger("GET", "/health").status_code == 503
