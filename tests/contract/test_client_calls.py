"""What can be said and answered in each call of the service is typed in the clients."""

from __future__ import annotations

import inspect
import re
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import httpx
import pytest
from face_client import AsyncFaceClient, FaceClient, answers, calls
from face_client.answers import CollectionSettings
from face_client.client import Awaited, Sent

from scripts.errors_page import NOT_OVER_HTTP
from scripts.openapi_document import Document, shape_name
from service.api.problems import kinds_by_code
from tests.contract.client_operations import operations, plain
from tests.contract.client_programs import FOLDER

FACE = {"images", "embedding", "camera", "directory", "livenessSession"}
"""Fields that are one parameter of a client."""

BY_OTHER_MEANS = {"Accept-Language", "Idempotency-Key"}
"""Of the client, and `idempotency_key`."""

TYPESCRIPT = FOLDER / "typescript" / "src"


@pytest.fixture(scope="module")
def document(http: httpx.Client) -> Document:
    document: Document = http.get("/openapi.json").json()
    return document


def _methods(client: type) -> set[str]:
    return {name for name, each in vars(client).items() if isinstance(each, (Sent, Awaited))}


def test_calls_that_wait_are_those_that_are_awaited() -> None:
    assert _methods(FaceClient) == _methods(AsyncFaceClient)


def _resolved(document: Document, schema: Document) -> Document:
    """What it refers to, and what it is where it is not null."""
    for one in schema.get("anyOf", ()):
        if one.get("type") != "null":
            return _resolved(document, one)
    name = shape_name(schema)
    found: Document = document["components"]["schemas"][name] if name else schema
    return found


def test_every_field_is_a_parameter_in_python(document: Document) -> None:
    missing = {name: _untaken(document, name) for name in _methods(FaceClient)}
    assert {name: fields for name, fields in missing.items() if fields} == {}


def _untaken(document: Document, name: str) -> set[str]:
    """Fields that callers in Python cannot give."""
    taken = {plain(one) for one in inspect.signature(getattr(calls, name)).parameters}
    fields = _fields(document, operations(document)[plain(name)]) - BY_OTHER_MEANS - FACE
    if "settings" in taken:
        fields -= CollectionSettings.__annotations__.keys()
    return {field for field in fields if plain(field) not in taken}


def _fields(document: Document, operation: Document) -> set[str]:
    """All that a caller can say."""
    fields = {one["name"] for one in operation.get("parameters", ())}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        fields |= _resolved(document, body["schema"])["properties"].keys()
    return fields


def test_every_field_of_an_answer_is_typed_in_python(document: Document) -> None:
    for name in _methods(FaceClient):
        (answer,) = get_args(get_type_hints(getattr(calls, name))["return"])
        responses = operations(document)[plain(name)]["responses"]
        (status,) = [status for status in responses if status.startswith("2")]
        content = responses[status]["content"].get("application/json")
        if content is None:
            assert answer is str
        else:
            _require_same(document, answer, content["schema"])


def _require_same(document: Document, typed: Any, schema: Document) -> None:
    """The fields and the listed values of `typed`, and of what is in it, are those of `schema`."""
    schema = _resolved(document, schema)
    if is_typeddict(typed):
        hints = get_type_hints(typed)
        assert hints.keys() == schema["properties"].keys(), typed
        for field, hint in hints.items():
            _require_same(document, hint, schema["properties"][field])
    elif get_origin(typed) is Literal:
        assert set(get_args(typed)) == set(schema["enum"]), typed
    elif get_origin(typed) is list:
        _require_same(document, get_args(typed)[0], schema["items"])
    elif get_origin(typed) is dict and is_typeddict(get_args(typed)[1]):
        _require_same(document, get_args(typed)[1], schema["additionalProperties"])
    else:
        for one in get_args(typed):
            if is_typeddict(one) or get_origin(one) in (list, Literal):
                _require_same(document, one, schema)


def test_answers_in_typescript_have_the_fields_of_those_in_python() -> None:
    source = (TYPESCRIPT / "answers.ts").read_text("utf-8")
    found = re.findall(r"export interface (\w+)(?: extends (\w+))? {\n(.*?)\n}", source, re.DOTALL)
    in_typescript: dict[str, set[str]] = {}
    for name, base, body in found:  # a base stands before what extends it
        own = set(re.findall(r"^  (\w+)\??: ", body, re.MULTILINE))
        in_typescript[name] = own | in_typescript.get(base, set())
    in_python = {
        name: set(get_type_hints(kind))
        for name, kind in vars(answers).items()
        if is_typeddict(kind)
    }
    assert in_typescript == in_python


def test_values_in_typescript_are_those_in_python() -> None:
    source = (TYPESCRIPT / "answers.ts").read_text("utf-8")
    listed = re.findall(r"^export type (\w+) = (.*);$", source, re.MULTILINE)
    in_typescript = {name: set(re.findall(r'"(\w+)"', values)) for name, values in listed}
    in_python = {
        name: set(get_args(kind))
        for name, kind in vars(answers).items()
        if get_origin(kind) is Literal
    }
    assert in_typescript == in_python


def test_codes_in_typescript_are_those_of_the_service() -> None:
    source = (TYPESCRIPT / "errors.ts").read_text("utf-8")
    listed = source.partition("export type Code =")[2].partition(";")[0]
    service = kinds_by_code().keys() - NOT_OVER_HTTP
    assert set(re.findall(r'"(\w+)"', listed)) == service
