"""Who gets in, and who may do what: every role at every address."""

import pytest

from dialer.serve.auth import PUBLIC, ROLES, Permission
from dialer.storage.keys import Role

CHANGES_THE_PLANT = {"put_queue", "put_agent"}
SHOWS_A_CONTACT = "agent_desk"


def may(role, call):
    """The matrix in other words than the code's."""
    if role is Role.ADMIN:
        return True
    if role is Role.SUPERVISOR:
        return call.id not in CHANGES_THE_PLANT
    if role is Role.AGENT:
        return call.id == SHOWS_A_CONTACT or (call.method == "POST" and call.template.startswith("/v1/agents/{name}/"))
    return call.method == "GET" and call.id != SHOWS_A_CONTACT


@pytest.mark.parametrize("role", Role)
def test_matrix(clients, call_all, control, role):
    """Each role at each operation: let in and answered, or refused before the dialer hears of it."""
    guarded = [call for call in call_all if call.template not in PUBLIC]
    assert len(guarded) >= 30
    for call in guarded:
        control.calls.clear()
        answer = clients[role](call.method, call.path, **call.options)
        if may(role, call):
            assert answer.status_code in {200, 201, 202, 204}, (call.id, answer.text)
            assert control.calls, call.id
        else:
            assert answer.status_code == 403, (call.id, answer.text)
            assert answer.json()["type"] == "urn:dialer:error:forbidden"
            assert control.calls == [], call.id


def test_every_role_and_permission_is_in_the_table():
    """A role that was forgotten may do nothing, by accident; a permission nobody has is one nobody can use."""
    assert set(ROLES) == set(Role)
    assert frozenset().union(*ROLES.values()) == frozenset(Permission)


def test_no_key(stranger, call_all, control):
    """Nothing but the probe and the description answers a stranger, whatever is asked and sent."""
    for call in call_all:
        answer = stranger(call.method, call.path, **call.options)
        if call.template in PUBLIC:
            assert answer.status_code == 200
            control.calls.clear()
            continue
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dialer"'
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:dialer:error:unauthorized"
        assert control.calls == []
    assert stranger("GET", "/v1/nothing").status_code == 401
    assert stranger("GET", "/nothing").status_code == 401
    assert stranger("GET", "/health/").status_code == 401
    assert stranger("GET", "//health").status_code == 401
    assert stranger("PUT", "/v1/queues/q", content=b"{").status_code == 401


@pytest.mark.parametrize(
    "shown", ["Bearer", "Bearer ", "Bearer nonsense", "Bearer {key}x", "Basic {key}", "{key}", "Bearer {key},{key}"]
)
def test_wrong_keys(stranger, clients, control, shown):
    """Wrong in any way: the same answer, which says that a key was seen."""
    key = clients[Role.ADMIN].headers["Authorization"].removeprefix("Bearer ")
    answer = stranger("GET", "/v1/agents", headers={"Authorization": shown.format(key=key)})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dialer", error="invalid_token"'
    assert key not in answer.text
    assert control.calls == []


def test_a_key_in_the_address_is_no_key(stranger, clients):
    """Addresses end up in logs."""
    key = clients[Role.ADMIN].headers["Authorization"].removeprefix("Bearer ")
    for name in ("key", "api_key", "access_token", "authorization"):
        assert stranger("GET", "/v1/agents", params={name: key}).status_code == 401


def test_the_scheme_is_not_case_sensitive(stranger, clients):
    """RFC 9110."""
    key = clients[Role.READ].headers["Authorization"].removeprefix("Bearer ")
    assert stranger("GET", "/v1/agents", headers={"authorization": f"bearer {key}"}).status_code == 200


def test_keys_come_and_go_while_the_service_runs(clients, keys):
    """A revoked key is refused with the next request."""
    client = clients[Role.READ]
    assert client("GET", "/v1/agents").status_code == 200
    keys.revoke(next(key.id for key in keys.list() if key.role is Role.READ))
    assert client("GET", "/v1/agents").status_code == 401
    assert clients[Role.ADMIN]("GET", "/v1/agents").status_code == 200


def test_a_damaged_key_file_lets_nobody_in(api, stranger, keys):
    """And says so, to whoever runs the service."""
    keys.path.write_text("{")
    answer = api("GET", "/v1/agents")
    assert answer.status_code == 503
    assert "damaged" in answer.json()["detail"]
    assert stranger("GET", "/v1/agents").status_code == 401


def test_what_a_key_may_not_do_is_explained(clients):
    """The answer names the roles that may."""
    answer = clients[Role.READ]("PUT", "/v1/queues/sales", json={})
    assert answer.json()["detail"] == "a key of role read may not do that; use one of role admin"


def test_the_description_is_public(stranger):
    """Programs are written before their keys are made."""
    assert stranger("GET", "/docs").status_code == 200
    assert stranger("GET", "/openapi.json").json()["info"]["title"] == "Dialer"
