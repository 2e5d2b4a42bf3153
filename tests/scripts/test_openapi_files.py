"""What is generated from the OpenAPI document and kept beside it is that of today."""

from __future__ import annotations

import json

import pytest

from scripts import api_page, postman_collection
from scripts.openapi_document import Document, calls, default_document


@pytest.fixture(scope="module")
def document() -> Document:
    return default_document()


def test_api_page_is_up_to_date(document: Document) -> None:
    current = api_page.PAGE.read_text("utf-8") == api_page.api_page(document)
    assert current, "run: .venv/bin/python scripts/api_page.py --write"


def test_postman_collection_is_up_to_date(document: Document) -> None:
    kept = postman_collection.COLLECTION.read_text("utf-8")
    current = kept == postman_collection.written(document)
    assert current, "run: .venv/bin/python scripts/postman_collection.py --write"


def test_api_page_has_every_call_and_every_shape_that_it_names(document: Document) -> None:
    page = api_page.api_page(document)
    for method, path, operation in calls(document):
        assert f"\n### {method} {path}\n" in page
        assert f"`{operation['operationId']}`" in page


def test_postman_collection_has_every_call_once(document: Document) -> None:
    folders = json.loads(postman_collection.written(document))["item"]
    found = [item["request"] for folder in folders for item in folder["item"]]
    addresses = [(one["method"], "/" + "/".join(one["url"]["path"])) for one in found]
    wanted = [
        (method, path.replace("{", ":").replace("}", "")) for method, path, _ in calls(document)
    ]
    assert sorted(addresses) == sorted(wanted)
