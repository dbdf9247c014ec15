"""Errors: each is a problem detail of a stable type, and none shows a telephone number or our insides."""

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer import errors
from dialer.errors import (
    ConfigError,
    ConflictError,
    ContactFileError,
    DataDirectoryError,
    NotFoundError,
    OperatorError,
    ServiceError,
)
from dialer.serve.problems import KIND_BY_ERROR, Kind, masked

URN = "urn:dialer:error:"
EXPECTED = {
    OperatorError: (400, "bad-request"),
    ConfigError: (422, "configuration"),
    ContactFileError: (422, "contact-file"),
    DataDirectoryError: (503, "unavailable"),
    NotFoundError: (404, "not-found"),
    ConflictError: (409, "conflict"),
    ServiceError: (503, "unavailable"),
}


def check(answer, status, slug):
    """An answer is the problem it should be; its content."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["type"]) == (status, URN + slug)
    assert body["title"]
    assert body["instance"].startswith("urn:dialer:request:")
    return body


def operator_errors(base=OperatorError):
    return {base}.union(*(operator_errors(child) for child in base.__subclasses__()))


def test_every_error_of_operators_has_a_kind():
    """A new class says what it is over HTTP, or takes it from its base on purpose."""
    assert {cls for cls in operator_errors() if cls.__module__ == errors.__name__} == set(KIND_BY_ERROR)
    assert set(EXPECTED) == set(KIND_BY_ERROR)


def test_types_are_stable_and_differ():
    """Programs compare them."""
    assert [kind.type for kind in Kind] == [
        URN + slug
        for slug in (
            "bad-request unauthorized forbidden not-found method-not-allowed conflict too-large unsupported-media-type "
            "invalid configuration contact-file internal unavailable"
        ).split()
    ]


@pytest.mark.parametrize("error", EXPECTED, ids=lambda cls: cls.__name__)
def test_every_operation_turns_an_operators_error_into_a_problem(api, call_all, control, error):
    """The line for the operator reaches the client, with numbers masked."""
    control.error = error("campaign spring: +1 (212) 555-0100 is not allowed; remove it")
    for call in call_all:
        if call.id == "probe":
            continue
        body = check(api(call.method, call.path, **call.options), *EXPECTED[error])
        assert body["detail"] == "campaign spring: +*********00 is not allowed; remove it", call.id


def test_an_error_of_a_class_of_its_own_is_what_its_base_is(api, control):
    """Ray hands errors on in classes it makes up."""
    control.error = type("RayTaskError(NotFoundError)", (NotFoundError,), {})("there is no agent 'a9'")
    check(api("POST", "/v1/agents/a9/login"), 404, "not-found")


@pytest.mark.parametrize(
    "error", [KeyError("+12125550100"), ZeroDivisionError("12125550100"), errors.InternalError("x")]
)
def test_our_mistakes_show_nothing(api, call_all, control, caplog, error):
    """No message, no trace; the log gets the request's id, the class and the place, and no value either."""
    control.error = error
    for call in call_all:
        if call.id == "probe":
            continue
        caplog.clear()
        answer = api(call.method, call.path, **call.options)
        body = check(answer, 500, "internal")
        assert body["detail"] == "the dialer's log has more under this request's id"
        request_id = answer.headers["X-Request-ID"]
        assert body["instance"].endswith(request_id)
        (record,) = (record for record in caplog.records if record.name == "dialer.serve.guard")
        text = record.getMessage()
        assert request_id in text
        assert type(error).__name__ in text
        assert "conftest.py:" in text
        assert "2125550100" not in caplog.text + answer.text
        assert record.exc_info is None


def test_an_answer_of_the_dialer_that_does_not_fit_is_our_mistake(api, control):
    """What it said is not shown."""
    control.agent_docs = [{"agent": "a1", "queues": ["q"], "state": "+12125550100"}]
    answer = api("GET", "/v1/agents")
    check(answer, 500, "internal")
    assert "2125550100" not in answer.text


def test_unknown_address_and_method(api):
    """Also those are problems, and say what there is."""
    for path in ("/v1/nothing", "/v1/agents/", "/"):
        assert "/docs" in check(api("GET", path), 404, "not-found")["detail"]
    for path, methods in (("/v1/agents", "GET"), ("/v1/contact-lists/x", "GET, PUT"), ("/openapi.json", "GET")):
        answer = api("DELETE", path)
        assert check(answer, 405, "method-not-allowed")["detail"] == f"this address takes {methods}"
        assert answer.headers["Allow"] == methods


def test_long_texts_are_cut(api, control):
    """An error may quote what it found, which may be a whole file; the cut does not uncover a number."""
    control.error = ContactFileError("x" * 495 + "+12125550100" + "x" * 1_000_000)
    detail = check(api("GET", "/v1/agents"), 422, "contact-file")["detail"]
    assert detail == "x" * 495 + "+****" + "…"


@pytest.mark.parametrize(
    ("request_line", "body", "fields"),
    [
        ("PUT /v1/queues/sales", {"pool": "Main"}, ["body.pool"]),
        ("PUT /v1/queues/Sales", {}, ["path.name"]),
        ("PUT /v1/queues/sales", {"pol": "main"}, ["body.pol"]),
        ("PUT /v1/agents/a1", {}, ["body.queues"]),
        ("PUT /v1/agents/a1", {"queues": []}, ["body.queues"]),
        ("POST /v1/dnc-lists/company/numbers", {"numbers": ["+12125550100", "212"]}, ["body.numbers.1"]),
        ("POST /v1/dnc-lists/company/numbers", {"numbers": []}, ["body.numbers"]),
        ("POST /v1/campaigns/spring/why", {"contact": "Ada"}, ["body.contact"]),
        ("GET /v1/agents?limit=0", None, ["query.limit"]),
        ("GET /v1/agents?limit=1001", None, ["query.limit"]),
        ("PUT /v1/campaigns/spring", {}, ["body.file", "body.lists"]),
    ],
)
def test_fields_that_are_wrong(api, control, request_line, body, fields):
    """Each is named, with what is wrong."""
    answer = check(api(*request_line.split(), json=body), 422, "invalid")
    assert [item["field"] for item in answer["errors"]] == fields
    assert all(item["message"] for item in answer["errors"])
    assert answer["detail"].startswith(fields[0])
    assert control.calls == []


def test_a_campaign_that_does_not_fit_its_mode(api):
    """The rules of campaign files hold here too, in the same words."""
    file = {"name": "spring", "mode": "agentless", "caller_id": 12125550199}
    answer = check(api("PUT", "/v1/campaigns/spring", json={"file": file, "lists": ["people"]}), 422, "invalid")
    assert answer["errors"] == [{"field": "body.file", "message": "flow is missing; mode agentless needs it"}]
    wrong = {**file, "mode": "predictiv"}
    answer = check(api("PUT", "/v1/campaigns/spring", json={"file": wrong, "lists": ["people"]}), 422, "invalid")
    assert "use one of: agentless, preview, progressive" in answer["errors"][0]["message"]


def test_a_campaign_has_one_name(api, control):
    """The address and the file must agree."""
    file = {"name": "autumn", "mode": "progressive", "caller_id": 12125550199, "queue": "sales"}
    check(api("PUT", "/v1/campaigns/spring", json={"file": file, "lists": ["people"]}), 422, "configuration")
    assert control.calls == []


def test_not_json(api):
    """Also what cannot be read."""
    json_type = {"Content-Type": "application/json"}
    answer = check(api("PUT", "/v1/queues/sales", content=b"{pool: ", headers=json_type), 422, "invalid")
    assert answer["errors"][0]["message"] == "not valid JSON"
    assert api("PUT", "/v1/queues/sales", content=b"\xff\xfe", headers=json_type).status_code in {400, 422}


def test_many_wrong_fields_are_cut_short(api):
    """The answer stays small."""
    body = {"numbers": ["x"] * 10_000}
    answer = check(api("POST", "/v1/dnc-lists/company/numbers", json=body), 422, "invalid")
    assert len(answer["errors"]) == 20


def test_large_bodies(api, stranger):
    """A mebibyte of JSON is enough; declared or not, more is not read."""
    json_type = {"Content-Type": "application/json"}
    check(api("PUT", "/v1/queues/sales", content=b" " * (1 << 20) + b"{}", headers=json_type), 413, "too-large")

    async def pieces():
        for _ in range(20):
            yield b" " * 100_000

    check(api("PUT", "/v1/queues/sales", content=pieces(), headers=json_type), 413, "too-large")
    assert api("PUT", "/v1/queues/sales", content=b" " * ((1 << 20) - 2) + b"{}", headers=json_type).status_code == 200
    assert stranger("PUT", "/v1/queues/sales", content=pieces(), headers=json_type).status_code == 401


def test_request_ids(api):
    """An id that came with the request is the request's; whoever gave it has shown it to the client."""
    answer = api("GET", "/v1/nothing", headers={"X-Request-ID": "abc-1"})
    assert answer.json()["instance"] == "urn:dialer:request:abc-1"
    assert "X-Request-ID" not in answer.headers
    for odd in ("", "a b", "x" * 65, "é".encode()):
        answer = api("GET", "/v1/agents", headers={"X-Request-ID": odd})
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-ID"])


def test_answers_are_not_kept_by_caches(api):
    """They are about people."""
    answer = api("GET", "/v1/agents")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# -- no telephone number leaves through an error ---------------------------------------------------------------------

numbers = st.integers(10_000_000, 999_999_999_999_999).map(str)
separators = st.lists(
    st.sampled_from(["", "", " ", "-", ".", "(", ")", ") ", "/", "\u2011", "\u00a0", "\u2013"]), min_size=14
)
texts = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=20)


@given(number=numbers, between=separators, before=texts, after=texts, plus=st.booleans())
def test_masked(number, between, before, after, plus):
    """However a number is grouped, and whatever it stands in, at most its last two digits stay."""
    grouped = "".join(digit + gap for digit, gap in zip(number, [*between, *[""] * 15], strict=False))
    text = masked(before + "+" * plus + grouped.strip(" ") + after)
    digits = re.sub(r"\D", "", text)
    assert digits == number[-2:]


@pytest.mark.parametrize(
    "text",
    [
        "campaign spring: 5000 rows, 4953 contacts",
        "since 2026-03-02 09:15",
        "use 2026-03-02, not 2026-03-02T09:15:00",
        "8 to 15 digits",
        "at most 2048 MiB",
        "port 8000 of 127.0.0.1",
    ],
)
def test_other_figures_stay(text):
    """A line for the operator stays readable."""
    assert masked(text) == text


@pytest.mark.parametrize("number", ["2026-03-0212", "02026-03-02 12", "\u0662\u0661\u0662\u0665\u0665\u0665\u0660"])
def test_masked_though_it_looks_like_something_else(number):
    """A date with a digit too many, and digits of other scripts."""
    assert number not in masked(f"call {number} now")


@pytest.mark.parametrize("number", ["+12125550100", "12125550100", "+1 212 555 0100", "(212) 555-0100", "555-0100"])
def test_a_number_wherever_it_is_sent(api, call_all, control, caplog, number):
    """In every place of every request that the client fills: what comes back as an error does not repeat it."""
    control.error = OperatorError("refused")
    digits = re.sub(r"\D", "", number)
    answers = []
    for call in call_all:
        address = call.template.format(name=str(httpx.URL(number).raw_path, "ascii").strip("/") or "x")
        body = {number: number, "file": {"name": number, "mode": number, number: 1}, "numbers": [number + "x"]}
        answers += [
            api(call.method, address, **call.options),
            api(call.method, call.path, params={"limit": number, "cursor": number, "filename": f"/{number}"}),
            api(call.method, call.path, json=body),
            api(call.method, call.path, json=number),
            api("PATCH", address),
        ]
    failed = [answer for answer in answers if answer.status_code >= 400]
    assert len(failed) > len(call_all) * 3
    for answer in failed:
        assert digits not in re.sub(r"[\s().+-]", "", answer.text)
    assert digits not in re.sub(r"[\s().+-]", "", caplog.text)
