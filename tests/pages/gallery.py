"""People in collections of their own, as callers of the API put them there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.contract.collection_client import ok
from tests.contract.installation import Server

MARKUP = '<img src="x" onerror="document.title=1">'
"""What a stranger may write wherever text of theirs is kept."""


def put_collection(server: Server, key: str, name: str, **settings: object) -> str:
    with server.client(key) as http:
        ok(http.put(f"/admin/collections/{name}", json=settings))
    return name


def enroll_person(
    server: Server, key: str, photograph: Path, subject_id: str, collection: str, **fields: object
) -> dict[str, Any]:
    """By one photograph, with markup wherever a caller may put some."""
    texts = {"consentReference": MARKUP, "metadata": json.dumps({MARKUP: MARKUP})}
    data = {"subjectId": subject_id, "collection": collection, **texts, **fields}
    with server.client(key) as http:
        return ok(http.post("/enroll", data=data, files=[("images", photograph.read_bytes())]), 201)
