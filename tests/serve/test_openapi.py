"""The description: complete, and true."""

import json
import re

import pytest

from dialer.serve.auth import PUBLIC

#: Operations that are accepted, and answered with nothing.
ORDERS = {*"login logout break resume dial skip hang-up sound disposition pause stop delete".split()}
COMMON = {"400", "401", "403", "413", "422", "500", "503"}


@pytest.fixture
def document(app):
    return json.loads(json.dumps(app.openapi()))


def operations(document):
    return [(path, method, op) for path, ops in document["paths"].items() for method, op in ops.items()]


def test_every_operation_is_described(document):
    """A summary, a description, an id, a tag, a key."""
    for path, _, operation in operations(document):
        assert operation["summary"]
        assert operation["description"] != operation["summary"]
        assert operation["tags"]
        assert operation.get("security", []) == ([] if path in PUBLIC else [{"ApiKey": []}])
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


def test_errors_are_documented(document):
    """As problem details, those that anybody may meet and those of the operation."""
    for path, method, operation in operations(document):
        if path in PUBLIC:
            continue
        failures = {status: response for status, response in operation["responses"].items() if status >= "400"}
        assert failures.keys() >= COMMON
        for status, response in failures.items():
            content = response["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert response["description"]
            for slug, example in content["examples"].items():
                assert (example["value"]["type"], str(example["value"]["status"])) == (slug, status)
        named = "{name}" in path and (method, path.count("/")) != ("put", 3)
        assert not named or "404" in failures, (method, path)


def test_bodies_have_examples_and_answers_a_schema(document):
    """What is sent is shown, what comes back is declared, unless it is empty."""
    for _, method, operation in operations(document):
        assert not (method == "get" and "requestBody" in operation)
        good = {status: answer for status, answer in operation["responses"].items() if status < "300"}
        assert len(good) == 1
        (answer,) = good.values()
        if "content" in answer:
            assert answer["content"]["application/json"]["schema"]["$ref"].startswith("#/components/schemas/")
        else:
            assert operation["operationId"].partition("_")[0] in ORDERS


def test_references_lead_somewhere(document):
    """Also from the schema that no route returns."""
    found = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert found == set(document["components"]["schemas"])
    assert {"Problem", "FieldError"} <= found


def test_the_description_is_the_same_each_time(app):
    """It is made once and not added to."""
    assert json.dumps(app.openapi()) == json.dumps(app.openapi())


def test_parameters_are_declared(document):
    """Each part of an address, and no unknown one."""
    for path, _, operation in operations(document):
        declared = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_no_number_in_an_address(document):
    """Addresses end up in logs: numbers go into bodies."""
    for path, _, operation in operations(document):
        names = {p["name"] for p in operation.get("parameters", ())}
        known = {"name", "limit", "cursor", "filename", "everywhere", "sort", "status", "mode", "priority"}
        assert names <= known, path


def test_answers_are_as_documented(api, call_all):
    """Status and content type of the good path of every operation."""
    for call in call_all:
        answer = api(call.method, call.path, **call.options)
        documented = call.operation["responses"][str(answer.status_code)]
        if "content" in documented:
            assert answer.headers["Content-Type"] == "application/json"
        else:
            assert (answer.content, answer.headers.get("Content-Length", "0")) == (b"", "0")
