"""Is this the person they say they are?"""

from __future__ import annotations

import pytest

from service.domain.errors import (
    CollectionNotFound,
    NoUsableFace,
    ProfileNotFound,
    SubjectNotFound,
)
from service.domain.face import Reason
from service.domain.template import average
from service.usecases.enrollment import Mode
from tests.domain.vectors import at_cosine, face_of
from tests.usecases.service_process import Service, Tables
from tests.usecases.stand_ins import given, photos


def test_same_person_matches(service: Service) -> None:
    service.enroll("kim", "kim:1")
    decision = service.verify("kim", "kim:2").decision
    assert (decision.match, decision.band, decision.recommendation) == (True, "very_high", "allow")


def test_other_person_does_not_match(service: Service) -> None:
    service.enroll("kim", "kim:1")
    decision = service.verify("kim", "lee:1").decision
    assert (decision.match, decision.band, decision.recommendation) == (False, "very_low", "deny")


@pytest.mark.parametrize("cosine", [0.9, 0.42, 0.25, -0.3])
def test_similarity_is_the_cosine_of_the_embeddings(service: Service, cosine: float) -> None:
    service.enroll("kim", given(face_of("kim")))
    decision = service.verify("kim", given(at_cosine(face_of("kim"), cosine))).decision
    assert decision.similarity == pytest.approx(cosine, abs=1e-6)


@pytest.mark.parametrize(
    ("profile", "match"), [(None, True), ("conservative", False), ("aggressive", True)]
)
def test_profile_decides_and_is_balanced_unless_named(
    service: Service, profile: str | None, match: bool
) -> None:
    service.enroll("kim", given(face_of("kim")))
    decision = service.verify(
        "kim", given(at_cosine(face_of("kim"), 0.42)), profile=profile
    ).decision
    assert decision.match is match
    assert decision.profile.name == (profile or "balanced")


def test_mean_of_all_photographs_counts(service: Service) -> None:
    """Not the best of them: a stranger who is near any one would get in (decision 21)."""
    face = face_of("kim")
    service.enroll("kim", given(face))
    aside = [at_cosine(face, cosine, name) for cosine, name in [(0.5, "glasses"), (0.6, "beard")]]
    for each in aside:
        service.enroll("kim", given(each), mode=Mode.ADD)
    similarity = service.verify("kim", given(aside[1])).decision.similarity
    assert similarity == pytest.approx(float(average([face, *aside]) @ aside[1]), abs=1e-6)
    assert similarity < 0.9


def test_answer_names_subject_model_and_samples(service: Service) -> None:
    service.enroll("kim", "kim:1")
    verification = service.verify("kim", photos("no_face", "kim:2"))
    assert (verification.subject_id, verification.model_id) == ("kim", service.model_id)
    assert [sample.reason for sample in verification.samples] == [Reason.NO_FACE, None]


def test_verification_changes_nothing(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    before = tables.beside_the_log()
    service.verify("kim", "kim:2")
    assert tables.beside_the_log() == before


def test_somebody_who_is_not_enrolled_is_not_found(service: Service) -> None:
    service.enroll("kim", "kim:1")
    with pytest.raises(SubjectNotFound):
        service.verify("lee", "kim:1")


def test_subject_of_another_collection_is_not_found(service: Service) -> None:
    service.put("shop")
    service.enroll("kim", "kim:1", collection="shop")
    with pytest.raises(SubjectNotFound):
        service.verify("kim", "kim:1")


def test_unknown_collection_is_refused(service: Service) -> None:
    with pytest.raises(CollectionNotFound):
        service.verify("kim", "kim:1", collection="nowhere")


def test_unknown_profile_is_refused(service: Service) -> None:
    service.enroll("kim", "kim:1")
    with pytest.raises(ProfileNotFound):
        service.verify("kim", "kim:1", profile="paranoid")


def test_photographs_are_judged_before_the_subject_is_looked_up(service: Service) -> None:
    with pytest.raises(NoUsableFace):
        service.verify("nobody", "no_face")
