"""Two servers over one database move people to another model, and end the move by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation
from tests.contract.scrape import scrape
from tests.postgres import TestServer

OLD, NEW = "mobile_s", "twin"
WHO = ("amy", "leonard")

pytestmark = pytest.mark.slow


@pytest.fixture
def own(
    postgres_server: TestServer, migrated_template: str, model_root: Path, tmp_path: Path
) -> Iterator[Installation]:
    """With the small pack under two names, which are two models."""
    for name in (OLD, NEW):
        shutil.copytree(model_root / "models" / OLD, tmp_path / "packs" / "models" / name)
    url = postgres_server.create(migrated_template)
    yield Installation(tmp_path, tmp_path / "packs", url)
    postgres_server.drop(url)


def _models(client: CollectionClient, who: str) -> list[str]:
    shown: list[str] = ok(client.subject(who))["modelIds"]
    return sorted(each.partition("@")[0] for each in shown)


def _facts(installation: Installation, **settings: Any) -> str:
    return installation.face("model", "status", "default", "--json", **settings).stdout


def test_people_come_to_another_model_while_it_serves(
    own: Installation, people: dict[str, list[Path]]
) -> None:
    key = own.key()
    both: dict[str, Any] = {"next_model_name": NEW}
    with own.serving(**both) as one, own.serving(**both) as other:
        first = CollectionClient(one.client(key), "default")
        second = CollectionClient(other.client(key), "default")
        for name in WHO:
            ok(first.enroll(name, people[name][0]), 201)
        assert _models(second, WHO[0]) == [OLD]
        begun = own.face("model", "move", "default", "--to", NEW, **both)
        assert begun.returncode == 0, begun.stderr
        assert ok(second.verify(WHO[0], people[WHO[0]][1]))["modelId"].startswith(OLD)
        answer = ok(first.verify(WHO[0], people[WHO[0]][2]))
        assert answer["match"]
        assert answer["modelId"].startswith(NEW)
        assert _models(first, WHO[0]) == [OLD, NEW]
        for name in WHO:
            refused = second.enroll("again", people[name][3])
            assert code(refused) == (409, "duplicate_subject")
            assert ok(first.identify(people[name][3]))["candidates"][0]["subjectId"] == name
        given = ok(first.json("/verify", subjectId=WHO[0], embedding=_token(first, people)))
        assert given["modelId"].startswith(OLD)
        ok(second.verify(WHO[1], people[WHO[1]][1]))
        with own.serving() as alone:
            client = CollectionClient(alone.client(key), "default")
            assert code(client.verify(WHO[0], people[WHO[0]][1])) == (409, "model_mismatch")
        with own.serving(**both) as third:
            third.wait_until(lambda: '"retiringModel": null' in _facts(own, **both))
            third.wait_until(lambda: f'"model": "{NEW}@' in _facts(own, **both))
            assert scrape(third.client(key)).sum_of("face_model_move_people", state="moved") == 2
        for client in (first, second):
            answer = ok(client.verify(WHO[1], people[WHO[1]][2]))
            assert answer["modelId"].startswith(NEW)
            assert _models(client, WHO[1]) == [NEW]
    with own.serving(model_name=NEW) as new:
        client = replace(first, http=new.client(key))
        assert ok(client.verify(WHO[0], people[WHO[0]][4]))["match"]
    assert own.face("audit", "verify").returncode == 0


def test_server_whose_next_model_cannot_be_loaded_does_not_start(own: Installation) -> None:
    run = own.face("server", next_model_name="nopack", server_port="0")
    assert run.returncode == 3
    assert "[model_unavailable]" in run.stderr + run.stdout


def _token(client: CollectionClient, people: dict[str, list[Path]]) -> list[float]:
    return client.embedding(people[WHO[0]][1])
