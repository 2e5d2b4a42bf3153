"""The collection for Postman and Bruno works as it is imported: each of its requests is one that the service takes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from scripts.postman_collection import COLLECTION
from tests.contract.collection_client import CollectionClient
from tests.contract.installation import Server
from tests.generated.generators import HERE, run
from tests.pages.node import installed_packages

MALFORMED = {"invalid_request", "not_found", "method_not_allowed", "unauthenticated"}


def with_photograph(text: str, photograph: Path, collection: str) -> str:
    """What a user chooses in it: a file, and here a collection of the test's own."""
    text = text.replace('"src": []', f'"src": {json.dumps(str(photograph))}')
    return re.sub(r'(\\?")default(\\?")', rf"\1{collection}\2", text)


def test_every_request_is_taken(
    server: Server, key: str, client: CollectionClient, portraits: list[Path], tmp_path: Path
) -> None:
    newman = installed_packages(HERE) / "newman" / "bin" / "newman.js"
    (tmp_path / "collection.json").write_text(
        with_photograph(COLLECTION.read_text("utf-8"), portraits[0], client.collection)
    )
    variables = ["--env-var", f"baseUrl={server.url}", "--env-var", f"apiKey={key}"]
    report = tmp_path / "report.json"
    reporter = ["--reporters", "json", "--reporter-json-export", report]
    folder = ["--working-dir", portraits[0].parent]
    node = shutil.which("node") or "node"
    run([node, newman, "run", tmp_path / "collection.json", *variables, *reporter, *folder])

    answers = {}
    for execution in json.loads(report.read_text("utf-8"))["run"]["executions"]:
        response = execution["response"]
        answers[execution["item"]["name"]] = response["code"], bytes(response["stream"]["data"])
    done = {name for name, (status, _) in answers.items() if status in (200, 201)}
    assert done >= {"Enroll a person, unless somebody enrolled already looks the same"}
    for name, (status, content) in answers.items():
        if status >= 400:
            assert json.loads(content)["code"] not in MALFORMED, (name, content)
