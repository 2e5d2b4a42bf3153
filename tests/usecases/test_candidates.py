"""A search finds exactly those whom a comparison with everybody finds."""

from __future__ import annotations

import math
from datetime import datetime
from uuid import UUID

import numpy as np
import pytest

from service.domain.errors import CollectionNotFound, ProfileNotFound
from service.domain.face import Embedding
from service.domain.template import average, cosine_similarity, embedding_of, template_of
from service.usecases.enrollment import Mode
from service.usecases.unlocked_collection import UnlockedCollection
from tests.domain.vectors import at_cosine, face_of
from tests.enrolled import add_people
from tests.usecases.service_process import DEFAULT, Service
from tests.usecases.stand_ins import given

KIM = face_of("kim")
PROBE = embedding_of(KIM.tolist())
MANY = 1000


def _store(service: Service, faces: dict[str, Embedding]) -> dict[str, float]:
    """The faces exactly as they are, many at once; answers with everybody's cosine to the probe."""
    people = UnlockedCollection.unlock(service.collections.show(DEFAULT).collection, service.vault)
    now: datetime = service.clock()
    with service.storage.transaction() as tx:
        templates = [(name, template_of([face])) for name, face in faces.items()]
        rows = people.seal_all(templates, service.model_id, now)
        add_people(tx, people.collection, rows, now)
    return {name: cosine_similarity(PROBE, face) for name, face in faces.items()}


def _reaching(similarities: dict[str, float], threshold: float) -> list[str]:
    reaching = [name for name, similarity in similarities.items() if similarity >= threshold]
    return sorted(reaching, key=lambda name: (-similarities[name], name))


@pytest.fixture
def crowd(service: Service) -> dict[str, float]:
    """Strangers, and people around every threshold, some nearer to it than half precision tells."""
    faces = {f"stranger{n}": face_of(f"stranger{n}") for n in range(60)}
    for threshold in (0.30, 0.40, 0.45):
        for n, offset in enumerate([*np.linspace(-0.003, 0.003, 13), 1e-6, -1e-6]):
            name = f"near{threshold}.{n}"
            faces[name] = at_cosine(KIM, threshold + offset, name)
    return _store(service, faces)


@pytest.mark.parametrize("profile", ["aggressive", "balanced", "conservative"])
def test_search_finds_whom_brute_force_finds(
    service: Service, crowd: dict[str, float], profile: str
) -> None:
    result = service.search(given(KIM), profile=profile, limit=MANY)
    expected = _reaching(crowd, result.search.threshold)
    assert [one.who.subject_id for one in result.candidates] == expected
    assert 0 < len(expected) < len(crowd)
    for one in result.candidates:
        assert one.who.similarity == pytest.approx(crowd[one.who.subject_id], abs=1e-7)


def test_everybody_is_searched(service: Service, crowd: dict[str, float]) -> None:
    assert service.search(given(KIM)).searched == len(crowd)


def test_limit_keeps_the_most_similar(service: Service, crowd: dict[str, float]) -> None:
    assert service.found(given(KIM), limit=3) == _reaching(crowd, 0.40)[:3]


def test_threshold_itself_is_found_and_the_next_number_above_is_not(service: Service) -> None:
    (similarity,) = _store(service, {"edge": at_cosine(KIM, 0.4)}).values()
    service.put(thresholds={"at": similarity, "above": math.nextafter(similarity, 1.0)})
    assert service.found(given(KIM), profile="at") == ["edge"]
    assert service.found(given(KIM), profile="above") == []


def test_candidates_carry_their_band(service: Service) -> None:
    _store(service, {f"p{cosine}": at_cosine(KIM, cosine) for cosine in (0.32, 0.42, 0.9)})
    candidates = service.search(given(KIM), profile="aggressive").candidates
    assert [one.band for one in candidates] == ["very_high", "high", "borderline"]


def test_subject_is_found_by_the_mean_of_all_photographs(service: Service) -> None:
    other = at_cosine(KIM, 0.6)
    service.enroll("kim", given(KIM))
    service.enroll("kim", given(other), mode=Mode.ADD)
    result = service.search(given(KIM))
    expected = cosine_similarity(KIM, average([KIM, other]))
    assert [one.who.subject_id for one in result.candidates] == ["kim"]
    assert result.candidates[0].who.similarity == pytest.approx(expected, abs=1e-6)
    assert result.searched == 1


def test_people_alike_to_the_last_digit_come_by_name(service: Service) -> None:
    twin = at_cosine(KIM, 0.8)
    _store(service, dict.fromkeys(["c", "a", "b"], twin))
    assert service.found(given(KIM)) == ["a", "b", "c"]


def test_empty_collection_finds_nobody(service: Service) -> None:
    result = service.search("kim:1")
    assert (result.found, result.searched, result.candidates) == (False, 0, [])


def test_search_stays_in_its_collection(service: Service) -> None:
    service.put("shop")
    service.enroll("kim", "kim:1", collection="shop")
    assert service.found("kim:1") == []
    assert service.found("kim:1", collection="shop") == ["kim"]


def test_unknown_collection_and_profile_are_refused(service: Service) -> None:
    with pytest.raises(CollectionNotFound):
        service.search("kim:1", collection="nowhere")
    with pytest.raises(ProfileNotFound):
        service.search("kim:1", profile="paranoid")


def test_every_enrollment_gets_an_id_of_its_own(service: Service) -> None:
    ids: set[UUID] = {service.enroll(name, f"{name}x").template_id for name in ("a", "b", "c")}
    assert len(ids) == 3
