"""Each call of the service is a method of each client, with all that can be said and answered."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import httpx
import pytest
from face_client import AsyncFaceClient, FaceClient, calls
from face_client.answers import CollectionSettings
from face_client.client import Awaited, Sent

Document = dict[str, Any]
Schema = Mapping[str, Any]

LEFT_OUT: Mapping[str, str] = {}
"""Operations that no client has, and why."""

FACE = {"images", "embedding", "camera", "directory", "livenessSession"}
"""Fields that are one parameter of a client."""


@pytest.fixture(scope="module")
def document(http: httpx.Client) -> Document:
    document: Document = http.get("/openapi.json").json()
    return document


def operations(document: Document) -> dict[str, Document]:
    """By their ids, without case and underscores."""
    return {
        plain(operation["operationId"]): operation
        for path in document["paths"].values()
        for operation in path.values()
    }


def plain(name: str) -> str:
    """What is the same of `list_subjects`, `listSubjects` and `ListSubjectsAsync`."""
    return name.replace("_", "").lower().removesuffix("async")


def methods_of(client: type) -> dict[str, Any]:
    return {name: each for name, each in vars(client).items() if isinstance(each, (Sent, Awaited))}


def require_all(document: Document, methods: Iterable[str], where: str) -> None:
    """`methods`: of a client. `where`: the files in which one would be added."""
    there = {plain(name) for name in methods}
    wanted = operations(document).keys() - {plain(name) for name in LEFT_OUT}
    assert wanted - there == set(), f"operations without a method: add them to {where}"
    assert there - wanted == set(), f"methods without an operation: take them out of {where}"


@pytest.mark.parametrize("client", [FaceClient, AsyncFaceClient])
def test_every_operation_is_a_method_in_python(document: Document, client: type) -> None:
    where = "calls.py and client.py of clients/python/face_client"
    require_all(document, methods_of(client), where)


def _schema(document: Document, schema: Schema) -> Schema:
    """What it refers to, and what it is where it is not null."""
    for one in schema.get("anyOf", ()):
        if one.get("type") != "null":
            return _schema(document, one)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found: Schema = document["components"]["schemas"][name]
        return found
    return schema


def _fields(document: Document, operation: Document) -> set[str]:
    """All that a caller can say."""
    parameters = {one["name"] for one in operation.get("parameters", ())}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        parameters |= _schema(document, body["schema"])["properties"].keys()
    return parameters


SAID_BY = {"Accept-Language": "language of the client", "Idempotency-Key": "idempotency_key"}


def test_every_field_is_a_parameter_in_python(document: Document) -> None:
    missing = {name: _untaken(document, name) for name in methods_of(FaceClient)}
    assert {name: fields for name, fields in missing.items() if fields} == {}


def _untaken(document: Document, name: str) -> set[str]:
    """Fields that callers in Python cannot give."""
    taken = {plain(one) for one in inspect.signature(getattr(calls, name)).parameters}
    fields = _fields(document, operations(document)[plain(name)]) - SAID_BY.keys() - FACE
    if "settings" in taken:
        fields -= CollectionSettings.__annotations__.keys()
    return {field for field in fields if plain(field) not in taken}


def test_every_field_of_an_answer_is_typed_in_python(document: Document) -> None:
    for name in methods_of(FaceClient):
        (answer,) = get_args(get_type_hints(getattr(calls, name))["return"])
        responses = operations(document)[plain(name)]["responses"]
        (status,) = [status for status in responses if status.startswith("2")]
        content = responses[status]["content"].get("application/json")
        if content is None:
            assert answer is str
        else:
            _require_same(document, answer, content["schema"])


def _require_same(document: Document, typed: Any, schema: Schema) -> None:
    """The fields of `typed` and of what is in it are those of `schema`."""
    schema = _schema(document, schema)
    if is_typeddict(typed):
        properties = schema["properties"]
        hints = get_type_hints(typed)
        assert hints.keys() == properties.keys(), typed
        for field, hint in hints.items():
            _require_same(document, hint, properties[field])
    elif get_origin(typed) is list:
        _require_same(document, get_args(typed)[0], schema["items"])
    elif get_origin(typed) is dict and "properties" not in schema:
        inner = schema.get("additionalProperties")
        if isinstance(inner, dict) and inner:
            _require_same(document, get_args(typed)[1], inner)
    else:
        for one in get_args(typed):
            if is_typeddict(one) or get_origin(one) is list:
                _require_same(document, one, schema)
