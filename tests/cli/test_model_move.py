"""`face model`: the page's commands, with a pack and its 8-bit copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.face import MASTER_KEY, Face

OLD, NEW = "mobile_s", "mobile_s_int8"
WHO = ("amy", "leonard", "penny")


@pytest.fixture(scope="module")
def packs(
    tmp_path_factory: pytest.TempPathFactory, model_root: Path, people: dict[str, list[Path]]
) -> Path:
    """A model root with the small pack and its 8-bit copy, which is another model."""
    root = tmp_path_factory.mktemp("packs")
    shutil.copytree(model_root / "models" / OLD, root / "models" / OLD)
    photos = next(iter(people.values()))[0].parents[1]
    made = Face(root, model_root=root, model_name=OLD, use_gpu=False)(
        "quantize", "--photos", photos
    )
    assert made.status == 0, made.err
    return root


@pytest.fixture
def old(tmp_path: Path, packs: Path, database_url: str, people: dict[str, list[Path]]) -> Face:
    """Three people are enrolled by the pack itself."""
    face = Face(
        tmp_path,
        model_root=packs,
        model_name=OLD,
        use_gpu=False,
        database_url=database_url,
        master_key=MASTER_KEY,
        language="en",
    )
    for name in WHO:
        assert face("enroll", name, people[name][0]).status == 0
    return face


@pytest.fixture
def both(old: Face) -> Face:
    return old.but(next_model_name=NEW)


def shown(face: Face) -> dict[str, object]:
    outcome = face("model", "status", "default", "--json")
    assert outcome.status == 0, outcome.err
    (row,) = json.loads(outcome.out)
    assert isinstance(row, dict)
    return row


def model_of(face: Face, name: str, photo: Path) -> str:
    """By which model somebody is verified."""
    outcome = face("verify", name, photo, "--json")
    assert outcome.status == 0, outcome.err
    return str(json.loads(outcome.out)["modelId"]).partition("@")[0]


def test_collection_comes_to_another_model(both: Face, people: dict[str, list[Path]]) -> None:
    begun = both("model", "move", "default", "--to", NEW)
    assert begun.status == 0, begun.err
    assert "0 of 3 people" in begun.err
    for name in WHO[:2]:
        assert model_of(both, name, people[name][1]) == OLD
        assert model_of(both, name, people[name][2]) == NEW
    assert (shown(both)["people"], shown(both)["moved"]) == (3, 2)
    assert both("model", "status", "default", "--unmoved").out.split() == [WHO[2]]
    refused = both("model", "move", "default", "--finish")
    assert refused.status == 3
    assert "1 of the 3 people" in refused.err
    assert "[people_not_moved]" in refused.err
    assert both("dedupe", people[WHO[2]][3]).status == 1
    assert model_of(both, WHO[2], people[WHO[2]][1]) == OLD
    finished = both("model", "move", "default", "--finish")
    assert finished.status == 0, finished.err
    assert "FACE_MODEL_NAME" in finished.err
    new = both.but(model_name=NEW, next_model_name=None)
    assert model_of(new, WHO[2], people[WHO[2]][3]) == NEW
    assert new("dedupe", people[WHO[0]][4]).status == 1
    assert new("audit", "verify").status == 0
    assert str(shown(new)["model"]).startswith(NEW)


def test_server_with_one_of_the_models_says_what_to_set(
    both: Face, old: Face, people: dict[str, list[Path]]
) -> None:
    assert both("model", "move", "default", "--to", NEW).status == 0
    for face in (old, old.but(model_name=NEW)):
        outcome = face("verify", WHO[0], people[WHO[0]][1])
        assert outcome.status == 3
        assert "FACE_NEXT_MODEL_NAME" in outcome.err


def test_move_is_given_up(both: Face, old: Face, people: dict[str, list[Path]]) -> None:
    assert both("model", "move", "default", "--to", NEW).status == 0
    model_of(both, WHO[0], people[WHO[0]][1])
    assert both("model", "move", "default", "--cancel").status == 0
    assert model_of(old, WHO[0], people[WHO[0]][2]) == OLD
    assert shown(old)["nextModel"] is None


def test_unmoved_are_erased_by_the_operators_word(
    both: Face, people: dict[str, list[Path]]
) -> None:
    assert both("model", "move", "default", "--to", NEW).status == 0
    model_of(both, WHO[0], people[WHO[0]][1])
    assert both("model", "move", "default", "--finish", "--erase-unmoved").status == 0
    assert shown(both)["people"] == 1
    assert both("audit", "verify").status == 0


def test_next_model_stands_in_the_settings_first(old: Face) -> None:
    outcome = old("model", "move", "default", "--to", NEW)
    assert outcome.status == 2
    assert "FACE_NEXT_MODEL_NAME" in outcome.err


@pytest.mark.parametrize("options", [(), ("--finish", "--cancel"), ("--cancel", "--erase-unmoved")])
def test_one_step_at_a_time(both: Face, options: tuple[str, ...]) -> None:
    assert both("model", "move", "default", *options).status == 2


def test_next_model_that_cannot_be_loaded_stops_the_command(
    both: Face, people: dict[str, list[Path]]
) -> None:
    outcome = both.but(next_model_name="nopack")("verify", WHO[0], people[WHO[0]][1])
    assert outcome.status == 3
    assert "[model_unavailable]" in outcome.err
