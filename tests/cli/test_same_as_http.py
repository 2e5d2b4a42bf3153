"""All that a call over HTTP about people can be told, the command of the same name can be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import typer

from scripts.openapi_document import Document, calls, default_document, shape_name
from service.api.document import JSON
from service.cli.app import app

COMMANDS: dict[str, tuple[str, ...]] = {
    "enroll": ("enroll",),
    "verify": ("verify",),
    "dedupe": ("dedupe",),
    "identify": ("identify",),
    "listSubjects": ("subjects", "list"),
    "showSubject": ("subjects", "show"),
    "exportSubject": ("subjects", "export"),
    "renameSubject": ("subjects", "rename"),
    "mergeSubject": ("subjects", "merge"),
    "unlockSubject": ("subjects", "unlock"),
    "deleteSubject": ("delete",),
    "withdrawConsent": ("delete",),
}
"""By the name of the call: its operationId."""

SPELT = {
    "subjectId": "subject",
    "images": "photos",
    "dirPath": "directory",
    "livenessSession": "liveness",
    "Idempotency-Key": "idempotency_key",
    "Accept-Language": "lang",
    "from": "other",
}
"""What the command calls otherwise. A session is made by the command itself, and so needs no id."""


def names_of(document: Document, operation: Document) -> Iterator[str]:
    for one in operation.get("parameters", []):
        yield one["name"]
    content = operation.get("requestBody", {}).get("content", {})
    for name, schema in _properties(document, content[JSON]["schema"]) if content else ():
        yield name
        for inner in schema.get("anyOf", [schema]):
            yield from (name for name, _ in _properties(document, inner))


def _properties(document: Document, schema: Document) -> Iterable[tuple[str, Document]]:
    """Of the shape that `schema` refers to; none where it refers to none."""
    shape = document["components"]["schemas"].get(shape_name(schema), {})
    properties: dict[str, Document] = shape.get("properties", {})
    return properties.items()


def spelt(name: str) -> str:
    """As the command has it: `maxFrames` is `max_frames`."""
    return SPELT.get(name) or re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def parameters(words: tuple[str, ...]) -> set[str]:
    command: Any = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    return {each.name for each in command.params}


@pytest.fixture(scope="module")
def document() -> Document:
    return default_document()


def test_every_call_about_people_has_a_command(document: Document) -> None:
    names = {
        operation["operationId"]
        for _, path, operation in calls(document)
        if path in ("/enroll", "/verify", "/dedupe", "/identify") or "/admin/subjects" in path
    }
    assert names == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_field_of_a_call_is_an_option(document: Document, name: str) -> None:
    (operation,) = (each for *_, each in calls(document) if each["operationId"] == name)
    asked = {spelt(one) for one in names_of(document, operation)}
    assert asked - parameters(COMMANDS[name]) == set()
