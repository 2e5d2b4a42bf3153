"""Clients that public generators make of the OpenAPI document do the main job: set a collection, enroll by JSON
and by a form, verify, find the duplicate, decide about it, delete.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest

from tests.contract.collection_client import CollectionClient
from tests.contract.installation import Server
from tests.generated.generators import (
    HERE,
    python_client,
    python_of_the_generator,
    run,
    typescript_client,
)

DONE = {
    "collection": [0.5, "dominant"],
    "enrolled": ["by-json", "by-form"],
    "refused": [409, "duplicate_subject", "by-json"],
    "flagged": ["by-json"],
    "verified": [True, "allow", False],
    "duplicates": ["by-form", "by-json"],
    "decided": ["by-form", "by-json", "same_person"],
    "deleted": 1,
    "gone": "subject_not_found",
}


@pytest.fixture
def document(http: httpx.Client, tmp_path: Path) -> Path:
    document = tmp_path / "openapi.json"
    document.write_bytes(http.get("/openapi.json").content)
    return document


@pytest.fixture
def arguments(
    server: Server, key: str, client: CollectionClient, people: dict[str, list[Path]]
) -> list[str | Path]:
    """Of a program that makes the calls: two photographs of one person, and one of a stranger."""
    (first, second, *_), (stranger, *_) = list(people.values())[:2]
    return [server.url, key, client.collection, first, second, stranger]


def test_client_of_openapi_python_client(
    document: Path, arguments: list[str | Path], tmp_path: Path
) -> None:
    python_client(document, tmp_path)
    program = [python_of_the_generator(), HERE / "python_calls.py"]
    printed = run([*program, *arguments], {"PYTHONPATH": str(tmp_path)})
    assert json.loads(printed) == DONE


def test_client_of_openapi_typescript(
    document: Path, arguments: list[str | Path], tmp_path: Path
) -> None:
    typescript_client(document, tmp_path)
    program = [shutil.which("node") or "node", tmp_path / "typescript_calls.js"]
    assert json.loads(run([*program, *arguments])) == DONE
