"""The OpenAPI document, from what FastAPI generates: made for people, and for generators of clients.

New routes need nothing here: shapes get their names, and calls their summaries, limits and usual errors, from what
is in the document already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel

from service.api.openapi import FILE, SCHEMAS, refusals, schema_of, shown_codes, without_null
from service.api.problem_answer import ProblemAnswer
from service.api.request_body import MOST_BYTES_WITHOUT_IMAGES
from service.api.settings import ApiSettings
from service.domain.errors import (
    CameraUnavailable,
    CollectionNotFound,
    DatabaseUnavailable,
    DirectoryNotAllowed,
    DirectoryNotFound,
    FaceError,
    ImageTooLarge,
    InconsistentImages,
    InvalidEmbedding,
    InvalidRequest,
    LivenessExpired,
    LivenessFailed,
    LivenessRequired,
    LivenessUsed,
    ModelMismatch,
    NotAllowed,
    NoUsableFace,
    Overloaded,
    ProfileNotFound,
    RateLimited,
    SubjectNotFound,
    TooManyImages,
    Unauthenticated,
    UnsupportedImage,
)

JSON, FORM = "application/json", "multipart/form-data"

_OF_CALLS_WITH_A_KEY = (Unauthenticated, NotAllowed, RateLimited, Overloaded, DatabaseUnavailable)
_BY_FIELD: Mapping[str, tuple[type[FaceError], ...]] = {
    "subjectId": (SubjectNotFound,),
    "collection": (CollectionNotFound,),
    "profile": (ProfileNotFound,),
    "images": (TooManyImages, UnsupportedImage),
    "embedding": (NoUsableFace, InconsistentImages, InvalidEmbedding, ModelMismatch),
    "camera": (CameraUnavailable,),
    "directory": (DirectoryNotAllowed, DirectoryNotFound),
    "dirPath": (DirectoryNotAllowed,),
    "livenessSession": (LivenessExpired, LivenessUsed, LivenessFailed, LivenessRequired),
}
"""What may be wrong with a field, whatever the call. Nobody is told of photographs without a face where none
is to be embedded: those calls take `images` and no `embedding`.
"""

Operation = dict[str, Any]
Schemas = dict[str, Any]


def operation_id(route: APIRoute) -> str:
    """The name of the route's function, in the case of the fields."""
    return to_camel(route.name)


def completed(document: dict[str, Any], settings: ApiSettings) -> dict[str, Any]:
    """The generated `document` with the limits of `settings`, and what the module says."""
    schemas: Schemas = document["components"]["schemas"]
    _name_schema({"schema": schema_of(ProblemAnswer)}, schemas)
    for operation in operations(document):
        operation["summary"] = _first_sentence(operation["description"])
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = without_null(parameter["schema"])
        _add_size(operation.get("requestBody"), settings)
        _add_refusals(operation)
        if "security" in operation:
            operation["security"] = _alternatives(operation["security"])
        operation["responses"] = dict(sorted(operation["responses"].items()))
        for content in _contents(
            operation.get("requestBody", {}), *operation["responses"].values()
        ):
            _name_schema(content, schemas)
        for content in _contents(*operation["responses"].values()):
            _add_nulls(content.get("example"), content.get("schema", {}), schemas)
    _limit_images(document, settings.max_images_per_request)
    return document


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path in document["paths"].values():
        yield from path.values()


def _first_sentence(description: str) -> str:
    """Without its full stop; a question keeps its mark."""
    sentence = re.split(r"(?<=[.?!])\s+(?=[A-Z`])", description, maxsplit=1)[0]
    return sentence.replace("\n", " ").removesuffix(".")


def _add_size(body: dict[str, Any] | None, settings: ApiSettings) -> None:
    if body is None:
        return
    most = settings.max_body_bytes if FORM in body["content"] else MOST_BYTES_WITHOUT_IMAGES
    body["description"] = f"At most {most // 1024} KiB, in UTF-8."


def _alternatives(requirements: Sequence[Mapping[str, Sequence[str]]]) -> list[dict[str, Any]]:
    """One of the scopes is enough, where FastAPI writes that all are needed."""
    return [
        {scheme: [scope]}
        for requirement in requirements
        for scheme, scopes in requirement.items()
        for scope in scopes
    ]


def _add_refusals(operation: Operation) -> None:
    """Beside those that the route itself tells."""
    for status, answer in refusals(*_usual(operation)).items():
        told = operation["responses"].setdefault(str(status), answer)
        codes = re.findall(r"`(\w+)`", told["description"] + answer["description"])
        told["description"] = shown_codes({*codes})


def _usual(operation: Operation) -> Iterator[type[FaceError]]:
    yield InvalidRequest
    if "security" in operation:
        yield from _OF_CALLS_WITH_A_KEY
    if "requestBody" in operation:
        yield ImageTooLarge
    for field in _fields(operation):
        yield from _BY_FIELD.get(field, ())


def _fields(operation: Operation) -> Iterator[str]:
    """Parameters, and fields of the JSON body, by their names."""
    yield from (parameter["name"] for parameter in operation.get("parameters", ()))
    if "requestBody" in operation:
        yield from operation["requestBody"]["content"][JSON]["schema"]["properties"]


def _contents(*bodies: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a call or of its answers, by whatever media type."""
    for body in bodies:
        yield from body.get("content", {}).values()


def _name_schema(content: dict[str, Any], schemas: Schemas) -> None:
    """What stands in `content` goes among `schemas`, with what it refers to."""
    schema = content.get("schema", {})
    if "properties" in schema:
        schemas |= schema.pop("$defs", {})
        schemas[schema["title"]] = schema
        content["schema"] = {"$ref": SCHEMAS + schema["title"]}


def _add_nulls(value: object, schema: Mapping[str, Any], schemas: Schemas) -> None:
    """FastAPI drops what is null from examples, where it is as much a part of the answer."""
    schema = without_null(schema)
    schema = schemas.get(schema.get("$ref", "").removeprefix(SCHEMAS), schema)
    if isinstance(value, list):
        for each in value:
            _add_nulls(each, schema.get("items", {}), schemas)
    if isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            value[name] = value.pop(name, None)  # in the order of the fields
            _add_nulls(value[name], inner, schemas)


def _limit_images(value: object, most: int) -> None:
    """Wherever the schema of `images` stands in `value`: a list of base64 or of files."""
    if isinstance(value, list):
        for each in value:
            _limit_images(each, most)
    if isinstance(value, dict):
        items = value.get("items")
        if isinstance(items, dict) and ("contentEncoding" in items or items == FILE):
            value.setdefault("maxItems", most)
        for each in value.values():
            _limit_images(each, most)
