"""What an integrator writes over the client that openapi-python-client makes: run by its own Python.

    python python_calls.py URL KEY COLLECTION PHOTO PHOTO STRANGER

Prints what came of each call, as JSON.
"""

from __future__ import annotations

import base64
import json
import sys
from io import BytesIO
from pathlib import Path

from generated_client import AuthenticatedClient
from generated_client.api.collections import change_collection, put_collection
from generated_client.api.duplicates import list_duplicates, resolve_duplicate
from generated_client.api.enrollment import enroll
from generated_client.api.search import dedupe
from generated_client.api.subjects import delete_subject
from generated_client.api.verification import verify
from generated_client.models import (
    CollectionBody,
    CollectionChange,
    DuplicateDecision,
    DuplicatePolicy,
    EnrollBody,
    EnrollBodyMetadataType0,
    EnrollForm,
    EnrollFormMetadata,
    Faces,
    ResolveBody,
    SearchForm,
    VerifyBody,
)
from generated_client.types import File

url, key, collection, *photos = sys.argv[1:]
first, second, stranger = (Path(photo).read_bytes() for photo in photos)


def text(photo: bytes) -> str:
    return base64.b64encode(photo).decode()


def file(photo: bytes) -> File:
    return File(BytesIO(photo), file_name="photo.png", mime_type="image/png")


with AuthenticatedClient(base_url=url, token=key) as client:
    put_collection.sync(collection, client=client, body=CollectionBody(max_false_candidates=0.5))
    changed = change_collection.sync(
        collection, client=client, body=CollectionChange(faces=Faces.DOMINANT)
    )
    by_json = enroll.sync(
        client=client,
        body=EnrollBody(
            subject_id="by-json",
            collection=collection,
            images=[text(first)],
            metadata=EnrollBodyMetadataType0.from_dict({"till": 4}),
        ),
    )
    refused = enroll.sync(
        client=client,
        body=EnrollForm(subject_id="by-form", collection=collection, images=[file(second)]),
        accept_language="en",
    )
    by_form = enroll.sync(
        client=client,
        body=EnrollForm(
            subject_id="by-form",
            collection=collection,
            images=[file(second)],
            on_duplicate=DuplicatePolicy.FLAG,
            metadata=EnrollFormMetadata.from_dict({"till": 5}),
        ),
    )
    same, other = (
        verify.sync(
            client=client,
            body=VerifyBody(subject_id="by-json", collection=collection, images=[text(photo)]),
        )
        for photo in (second, stranger)
    )
    found = dedupe.sync(
        client=client, body=SearchForm(collection=collection, images=[file(second)])
    )
    waiting = list_duplicates.sync(client=client, collection=collection)
    decided = resolve_duplicate.sync(
        waiting.duplicates[0].duplicate_id,
        client=client,
        collection=collection,
        body=ResolveBody(decision=DuplicateDecision.SAME_PERSON),
    )
    deleted = delete_subject.sync("by-json", client=client, collection=collection)
    gone = verify.sync(
        client=client,
        body=VerifyBody(subject_id="by-json", collection=collection, images=[text(first)]),
    )

sys.stdout.write(
    json.dumps(
        {
            "collection": [changed.max_false_candidates, changed.faces],
            "enrolled": [by_json.subject_id, by_form.subject_id],
            "refused": [refused.status, refused.code, refused.errors[0].subject_id],
            "flagged": [one.subject_id for one in by_form.duplicates],
            "verified": [same.match, same.recommendation, other.match],
            "duplicates": sorted(one.subject_id for one in found.candidates),
            "decided": [decided.subject_id, decided.duplicate_of, decided.decision],
            "deleted": deleted.templates_deleted,
            "gone": gone.code,
        }
    )
)
