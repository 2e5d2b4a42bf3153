"""A move over two processes that are killed loses nobody, and nobody is moved twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from service.domain.collection import DuplicatePolicy
from service.domain.errors import FaceError
from service.domain.lockout import LockoutRules
from service.usecases.enrollment import Mode
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.moves import names
from tests.usecases.service_process import CALLER, DEFAULT, RULES, Service, Tables
from tests.usecases.stand_ins import NextEngine

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 60
SECONDS = 120
NEXT = NextEngine()

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


@pytest.fixture
def moving(service: Service) -> Service:
    for name in names(PEOPLE):
        service.enroll(name, f"{name}:1", on_duplicate=DuplicatePolicy.ALLOW)
    both = replace(service, next_engine=NEXT)
    both.move_model.begin(DEFAULT, CALLER)
    return both


@pytest.fixture
def moved(moving: Service) -> Service:
    for name in names(PEOPLE):
        moving.verify(name, f"{name}:2")
    return moving


def _start(url: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.usecases.moves", url, str(PEOPLE)]
    return subprocess.Popen([*command, *map(str, arguments)], cwd=ROOT)


def _kill_when(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> None:
    """Fails where the process ends before."""
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()


def _rows(tables: Tables, model_id: str) -> int:
    (row,) = tables.rows("SELECT count(*) FROM templates WHERE model_id = :model", model=model_id)
    return int(row["count"])


def _is_whole(service: Service) -> bool:
    return service.wiring.verify_audit().whole


def test_killed_servers_lose_nobody(moving: Service, tables: Tables, service_url: str) -> None:
    def moved() -> int:
        return _rows(tables, NEXT.model.model_id)

    first, second = _start(service_url, "verify", 2), _start(service_url, "verify", 3)
    _kill_when(first, lambda: moved() >= PEOPLE // 3)
    first = _start(service_url, "verify", 4)
    _kill_when(second, lambda: moved() >= PEOPLE // 2)
    erased = list(names(PEOPLE))[:5]
    for name in erased:
        moving.erase(name)
    for name in list(names(PEOPLE))[5:10]:
        moving.enroll(name, f"{name}:9", mode=Mode.ADD, on_duplicate=DuplicatePolicy.ALLOW)
    assert first.wait(SECONDS) == 0
    status = moving.move_model.status(DEFAULT)
    assert (status.people, status.moved, moved()) == (PEOPLE - 5, PEOPLE - 5, PEOPLE - 5)
    assert _is_whole(moving)
    moving.move_model.finish(DEFAULT, CALLER, lambda *_: None, erase_unmoved=False)
    assert _rows(tables, moving.model_id) == 0


def test_killed_finish_is_gone_on_with(moved: Service, tables: Tables, service_url: str) -> None:
    def left() -> int:
        return _rows(tables, moved.model_id)

    def is_down_to(share: float) -> bool:
        return left() <= share * PEOPLE

    for share in (0.7, 0.3):
        _kill_when(_start(service_url, "finish"), partial(is_down_to, share))
        assert left() > 0
        assert moved.verify("person0", "person0:5").model_id == NEXT.model.model_id
        assert moved.found("person59:5") == ["person59"]
        assert _is_whole(moved)
    assert moved.wiring.advance_moves() == [NEXT.model.model_id]
    assert (left(), _rows(tables, NEXT.model.model_id)) == (0, PEOPLE)
    assert moved.move_model.status(DEFAULT).collection.retiring_model_id is None
    assert _is_whole(moved)


@pytest.mark.parametrize("counted", [True, False])
def test_simultaneous_changes_of_one_person_leave_one_state(
    moving: Service, tables: Tables, counted: bool
) -> None:
    """Also where no refusals are counted, so that no lock of the person keeps verifications apart."""
    rules = RULES if counted else LockoutRules(0, RULES.window, RULES.lasts)
    both = replace(moving, rules=rules)
    for number in range(8):
        name = f"person{number}"
        add = partial(both.enroll, name, f"{name}:7", mode=Mode.ADD)
        calls: list[Callable[[], object]] = [
            *(partial(both.verify, name, f"{name}:{n}") for n in range(2, 6)),
            *([partial(both.erase, name)] if number % 2 else []),
            partial(add, on_duplicate=DuplicatePolicy.ALLOW),
        ]
        found = outcomes(calls)
        codes = {each.code for each in found if isinstance(each, FaceError)}
        assert codes <= ({"subject_not_found"} if number % 2 else set())
        rows = tables.rows("SELECT model_id FROM templates WHERE subject_id = :who", who=name)
        assert len(rows) == (0 if number % 2 else 2)
    assert _is_whole(both)


def test_finish_beside_verifications_misses_nobody(moved: Service, tables: Tables) -> None:
    verify = [partial(moved.verify, f"person{n}", f"person{n}:8") for n in range(6)]
    finish = partial(moved.move_model.finish, DEFAULT, CALLER, lambda *_: None, erase_unmoved=False)
    found = outcomes([*verify, finish, *verify])
    assert not [each for each in found if isinstance(each, FaceError)]
    assert _rows(tables, moved.model_id) == 0
    assert _is_whole(moved)
