"""The operations of the OpenAPI document, by names that are the same in every language."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.openapi_document import Document, calls

LEFT_OUT: Mapping[str, str] = {}
"""Operations that no client has, by their plain names, and why."""


def plain(name: str) -> str:
    """What is the same of `list_subjects`, `listSubjects` and `ListSubjectsAsync`."""
    return name.replace("_", "").lower().removesuffix("async")


def operations(document: Document) -> dict[str, Document]:
    """All by their plain names."""
    return {plain(operation["operationId"]): operation for _, _, operation in calls(document)}


def require_all(document: Document, methods: list[str]) -> None:
    """`methods`: of a client."""
    there, wanted = {plain(name) for name in methods}, operations(document).keys()
    assert wanted - there - LEFT_OUT.keys() == set(), (
        "operations without a method: add it to each client in clients/, "
        "or here to LEFT_OUT with the reason"
    )
    assert there - wanted == set(), "methods without an operation"
