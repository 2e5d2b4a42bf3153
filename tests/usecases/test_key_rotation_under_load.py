"""Thousands of people move to a new key while others enroll, verify and search; it is killed and goes on."""

from __future__ import annotations

import base64
import os
import random
import secrets
from functools import partial
from pathlib import Path

import pytest

from service.domain.errors import DuplicateSubject
from service.domain.face import Embedding
from service.storage.storage import Storage
from service.usecases.unlocked_collection import UnlockedCollection
from service.vault.cipher import KEY_BYTES
from tests.domain.vectors import at_cosine
from tests.usecases.rows_under_rotation import Callers, RotationProcess, crowd, has_left, store
from tests.usecases.service_process import DEFAULT, Service, Tables
from tests.usecases.stand_ins import given

PEOPLE = 4_000
KILLS = 3
PROBE_COSINE = 0.6

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]


class Calls:
    """What callers do meanwhile. Each call fails where its answer is not the right one."""

    def __init__(self, service: Service, them: list[Embedding]) -> None:
        self._service = service
        self._them = them
        self._chance = random.Random(secrets.randbits(64))

    def _somebody(self) -> tuple[str, Embedding]:
        number = self._chance.randrange(PEOPLE)
        probe = at_cosine(self._them[number], PROBE_COSINE, f"photo{self._chance.random()}")
        return f"stranger{number}", probe

    def verify(self, _: int) -> None:
        name, probe = self._somebody()
        assert self._service.verify(name, given(probe)).decision.match

    def dedupe(self, _: int) -> None:
        name, probe = self._somebody()
        assert self._service.found(given(probe)) == [name]

    def enroll(self, number: int) -> None:
        self._service.enroll(f"new{number}", f"new{number}")
        assert self._service.verify(f"new{number}", f"new{number}:1").decision.match

    def enroll_a_duplicate(self, _: int) -> None:
        name, probe = self._somebody()
        with pytest.raises(DuplicateSubject) as refused:
            self._service.enroll("twin", given(probe))
        assert [one.subject_id for one in refused.value.candidates] == [name]


@pytest.fixture
def rotating(database_url: str, tmp_path: Path) -> RotationProcess:
    """Under the master key of the fixture `vault`."""
    return RotationProcess(database_url, base64.b64encode(bytes(KEY_BYTES)).decode(), tmp_path)


def _kill_points(seed: int) -> list[str]:
    """Some of the people, in the order in which a rotation comes to them, none of the last half."""
    in_order = sorted(f"stranger{n}" for n in range(PEOPLE))
    return sorted(random.Random(seed).sample(in_order[: PEOPLE // 2], KILLS))


def test_rotation_killed_under_load_ends_with_everybody_under_the_new_key(
    service: Service, storage: Storage, tables: Tables, rotating: RotationProcess
) -> None:
    them, callers, seed = crowd(PEOPLE), Callers(), secrets.randbits(32)
    store(service, storage, them)
    old = service.collections.show(DEFAULT).collection.keys.active
    calls, points = Calls(service, them), _kill_points(seed)
    with callers.at_work(
        verify=calls.verify,
        dedupe=calls.dedupe,
        enroll=calls.enroll,
        enroll_a_duplicate=calls.enroll_a_duplicate,
    ):
        for point in points:
            rotating.kill_when(partial(has_left, storage, point, old))
        status, said = rotating.finish()
    assert callers.failures == [], seed
    assert min(callers.calls.values()) > 0
    assert (status, "went on with a rotation" in said) == (0, True), said
    keys = service.collections.show(DEFAULT).collection.keys
    assert keys.retiring is None
    assert keys.active.key_id != old.key_id
    _require_everybody_under(service, storage, tables, PEOPLE + callers.calls["enroll"])


def _require_everybody_under(
    service: Service, storage: Storage, tables: Tables, number: int
) -> None:
    """Opens every row, which proves the key, the person and the search vector."""
    (key,) = tables.rows("SELECT key_id FROM collection_keys")
    headers = tables.rows(
        "SELECT count(*), count(DISTINCT subject_id) AS people, min(key_id::text) AS row,"
        " max(encode(substr(sealed, 2, 16), 'hex')::uuid::text) AS header FROM templates"
    )
    expected = {"count": number, "people": number, "row": str(key["key_id"])}
    assert [dict(row) for row in headers] == [{**expected, "header": str(key["key_id"])}]
    with storage.transaction() as tx:
        found = tx.collections.find_with_keys_locked(DEFAULT)
        assert found is not None
        people = UnlockedCollection.unlock(found, service.vault)
        for row in tx.sealed_rows.templates(found, key["key_id"], None, number):
            people.open(row)
