"""Photographs enrolled in one call or in several make one template, and so the same decisions: after
a new key, on a restored machine, and by a bulk run.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.domain.bulk import Place, Result, Row, Unit
from service.domain.callers import LOCAL_USER
from service.domain.collection import CollectionSettings
from service.domain.face import Embedding, GivenEmbedding, ImageFiles, Uploads
from service.usecases.backup import BackupStep
from service.usecases.bulk_transaction import BulkRequest
from service.usecases.enrollment import EnrollRequest, Mode
from service.usecases.verify import VerifyRequest
from service.wiring import Wiring
from tests.real.conftest import MASTER_KEY, settings

People = dict[str, list[Path]]
Between = Callable[[Wiring, str], Wiring]
"""What happens between two calls for one person in a collection; answers with who goes on."""

Probes = list[tuple[str, GivenEmbedding]]
"""Photographs, with whom they show."""

FIRST, PROBES = 3, 40
ONE_CALL = "one-call"

ROUNDING = 1e-5
"""Most that a similarity may differ by; half of a hundredth was promised."""


@dataclass(frozen=True)
class Decided:
    """What is answered about a collection. `samples`: of each person. `similarities`: of each probe with
    the person that it shows, and with somebody else.
    """

    samples: list[int]
    similarities: list[float]


@pytest.fixture(scope="module")
def probes(service: Wiring, people: People) -> Probes:
    """All photographs there are."""
    return [
        (name, GivenEmbedding(_embedding(service, photo).tolist()))
        for name, photos in people.items()
        for photo in photos
    ]


@pytest.fixture(scope="module")
def at_once(service: Wiring, people: People, probes: Probes) -> Decided:
    _make(service, ONE_CALL)
    for name, photos in people.items():
        _enroll(service, ONE_CALL, name, photos)
    decided = _decided(service, ONE_CALL, probes)
    assert decided.samples == [len(photos) for photos in people.values()]
    assert max(decided.similarities) - min(decided.similarities) > 0.5
    return decided


def _decided(service: Wiring, collection: str, probes: Probes) -> Decided:
    names = list(dict.fromkeys(name for name, _ in probes))
    asked = [
        VerifyRequest(who, probe, collection, LOCAL_USER)
        for name, probe in probes
        for who in (name, names[names.index(name) - 1])
    ]
    exported = (service.export(name, collection, LOCAL_USER.name) for name in names)
    return Decided(
        [template.samples for one in exported for template in one.templates],
        [service.verify(each).decision.similarity for each in asked],
    )


def _nothing(service: Wiring, _: str) -> Wiring:
    return service


def _new_key(service: Wiring, collection: str) -> Wiring:
    service.rotate_key(collection, LOCAL_USER.name, lambda *_: None)
    return service


def _restored(service: Wiring, _: str) -> Wiring:
    """Backed up, and restored on another machine."""
    folder = Path(tempfile.mkdtemp(prefix="face-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    service.backup(folder / "monday.face", _unwatched)
    machine = Wiring(settings(folder / "data", MASTER_KEY, service.config.model_root))
    machine.restore(folder / "monday.face", _unwatched)
    return machine


@pytest.mark.parametrize("between", [_nothing, _new_key, _restored])
def test_three_photographs_and_two_single_ones_decide_as_five(
    service: Wiring,
    people: People,
    probes: Probes,
    at_once: Decided,
    between: Between,
) -> None:
    collection = f"several{between.__name__}"
    _make(service, collection)
    for name, photos in people.items():
        _enroll(service, collection, name, photos[:FIRST])
    later = between(service, collection)
    for number in range(FIRST, 5):
        for name, photos in people.items():
            _enroll(later, collection, name, [photos[number]], Mode.ADD)
    _compare(_decided(later, collection, probes), at_once)


def test_bulk_run_decides_as_one_call(
    service: Wiring,
    people: People,
    probes: Probes,
    at_once: Decided,
) -> None:
    _make(service, "bulk")
    rows = [
        Row(Place(Unit.ROW, number), name, ImageFiles([str(photo) for photo in photos]))
        for number, (name, photos) in enumerate(people.items(), 1)
    ]
    run = service.bulk_enroll("bulk", len(rows))
    with service.embedding_here("bulk", None) as embed:
        batches = list(run(BulkRequest("bulk", LOCAL_USER), rows, embed))
    outcomes = [one for batch in batches for one in batch]
    assert {one.result for one in outcomes} == {Result.ENROLLED}
    _compare(_decided(service, "bulk", probes), at_once)


def _compare(found: Decided, expected: Decided) -> None:
    assert len(found.similarities) == 2 * PROBES
    assert found.similarities == pytest.approx(expected.similarities, abs=ROUNDING)
    assert found.samples == expected.samples


def _embedding(service: Wiring, photo: Path) -> Embedding:
    return service.sampler.probe(Uploads([photo.read_bytes()])).embedding


def _make(service: Wiring, collection: str) -> None:
    service.collections.put(collection, CollectionSettings(), LOCAL_USER.name)


def _enroll(
    service: Wiring, collection: str, name: str, photos: list[Path], mode: Mode = Mode.CREATE
) -> None:
    uploads = Uploads([photo.read_bytes() for photo in photos])
    service.enroll(EnrollRequest(name, uploads, collection, LOCAL_USER, mode=mode))


def _unwatched(step: BackupStep, size: int) -> None:
    pass
