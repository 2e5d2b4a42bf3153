"""docs/face.postman_collection.json, every call as a request to send, from the OpenAPI document: for Postman,
Bruno and others that import collections of Postman's form 2.1. Run it by the Python of `.venv`.

python scripts/postman_collection.py          print it
python scripts/postman_collection.py --check  status 1 where the file is another one
python scripts/postman_collection.py --write  write it
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import ROOT
from scripts.generated_files import print_check_or_write
from scripts.openapi_document import Document, calls, default_document, json_example
from service.api.document import FORM, JSON, Operation
from service.config import AppConfig

COLLECTION = ROOT / "docs" / "face.postman_collection.json"

_FORM_OF_COLLECTIONS = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_EXAMPLES = {"subjectId": "user-1", "collection": "default", "name": "till-1"}
"""Of what is named in paths."""

_UUID = "0b6f9c1e-4f0a-4a53-9f61-6f6f0d7c1f0a"

Item = dict[str, Any]


def collection(document: Document) -> Item:
    """Requests in folders by their tags. `baseUrl` and `apiKey` are the user's to set."""
    folders: dict[str, list[Item]] = defaultdict(list)
    for method, path, operation in calls(document):
        folders[operation["tags"][0]].append(_request(method, path, operation))
    port = AppConfig.model_fields["server_port"].default
    return {
        "info": {"name": document["info"]["title"], "schema": _FORM_OF_COLLECTIONS},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{apiKey}}"}]},
        "variable": [
            {"key": "baseUrl", "value": f"http://127.0.0.1:{port}"},
            {"key": "apiKey", "value": ""},
        ],
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
    }


def _request(method: str, path: str, operation: Operation) -> Item:
    request: Item = {
        "method": method,
        "description": operation["description"].strip(),
        "header": [{"key": "Accept-Language", "value": "en"}],
        "url": _url(path, operation),
    }
    content = operation.get("requestBody", {}).get("content", {})
    if FORM in content:
        request["body"] = {"mode": "formdata", "formdata": list(_form(content[FORM]["example"]))}
    elif JSON in content:
        request["header"].append({"key": "Content-Type", "value": JSON})
        text = json.dumps(json_example(content[JSON]), indent=2)
        request["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    return {"name": operation["summary"], "request": request}


def _form(example: Mapping[str, Any]) -> Iterator[Item]:
    """Photographs are the user's to choose."""
    for name, value in example.items():
        if name == "images":
            yield {"key": name, "type": "file", "src": []}
        else:
            yield {"key": name, "type": "text", "value": str(value)}


def _url(path: str, operation: Operation) -> Item:
    """`:subjectId` for `{subjectId}`. What need not be given is there, switched off."""
    shown = re.sub(r"\{(\w+)\}", r":\1", path)
    query = [
        {"key": one["name"], "value": str(one["schema"].get("default", "")), "disabled": True}
        for one in operation["parameters"]
        if one["in"] == "query"
    ]
    given = [
        {"key": one["name"], "value": _EXAMPLES.get(one["name"], _UUID)}
        for one in operation["parameters"]
        if one["in"] == "path"
    ]
    parts = {"host": ["{{baseUrl}}"], "path": shown.removeprefix("/").split("/")}
    return {"raw": "{{baseUrl}}" + shown, **parts, "query": query, "variable": given}


def written(document: Document) -> str:
    return json.dumps(collection(document), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    def text() -> str:
        return written(default_document())

    return print_check_or_write(text, lambda: {COLLECTION: text()})


if __name__ == "__main__":
    sys.exit(main())
