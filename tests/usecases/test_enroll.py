"""Who may be enrolled: modes, and people who are enrolled already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from service.domain.callers import Scope
from service.domain.collection import DuplicatePolicy
from service.domain.errors import (
    CollectionNotFound,
    DuplicateSubject,
    NoUsableFace,
    ProfileNotFound,
    SubjectExists,
    SubjectMismatch,
    SubjectNotFound,
)
from service.domain.face import EMBEDDING_SIZE, Embedding, Reason
from service.domain.template import average, normalize
from service.usecases.enrollment import Mode
from tests.domain.vectors import at_cosine, face_of
from tests.usecases.service_process import DEFAULT, KEY_HOLDER, Service
from tests.usecases.stand_ins import PHOTO_COSINE, embedding_of_photo, given, photos

EXISTING = [Mode.ADD, Mode.REPLACE]


def test_enrolled_person_is_verified_and_found(service: Service) -> None:
    service.enroll("kim", "kim:1")
    assert service.verify("kim", "kim:2").decision.match
    assert service.found("kim:2") == ["kim"]


def test_enrollment_answers_what_it_stored(service: Service) -> None:
    enrolled = service.enroll("kim", photos("kim:1", "no_face", "kim:2"))
    assert (enrolled.subject_id, enrolled.collection) == ("kim", DEFAULT)
    assert (enrolled.model_id, enrolled.enrolled_at) == (service.model_id, service.clock.now)
    assert enrolled.images_used == 2
    assert [sample.reason for sample in enrolled.samples] == [None, Reason.NO_FACE, None]
    assert enrolled.duplicates == []


def test_create_refuses_a_name_that_is_taken(service: Service) -> None:
    service.enroll("kim", "kim:1")
    with pytest.raises(SubjectExists):
        service.enroll("kim", "kim:2")


@pytest.mark.parametrize("mode", EXISTING)
def test_add_and_replace_need_somebody_enrolled(service: Service, mode: Mode) -> None:
    with pytest.raises(SubjectNotFound):
        service.enroll("kim", "kim:1", mode=mode)


@pytest.mark.parametrize("mode", EXISTING)
def test_add_and_replace_refuse_a_stranger(service: Service, mode: Mode) -> None:
    service.enroll("kim", "kim:1")
    with pytest.raises(SubjectMismatch):
        service.enroll("kim", "lee:1", mode=mode)


@pytest.mark.parametrize("mode", EXISTING)
def test_add_and_replace_ask_for_the_balanced_threshold(service: Service, mode: Mode) -> None:
    service.enroll("kim", given(face_of("kim")))
    with pytest.raises(SubjectMismatch):
        service.enroll("kim", given(at_cosine(face_of("kim"), 0.39)), mode=mode)
    service.enroll("kim", given(at_cosine(face_of("kim"), 0.41)), mode=mode)


CALLS = [
    [["kim:1", "kim:2", "kim:3", "kim:4", "kim:5"]],
    [["kim:1", "kim:2", "kim:3"], ["kim:4"], ["kim:5"]],
    [["kim:5"], ["kim:1", "kim:4"], ["kim:3", "kim:2"]],
]


def test_photographs_of_one_call_or_several_make_one_template(service: Service) -> None:
    made = []
    for first, *others in CALLS:
        service.enroll("kim", photos(*first))
        for more in others:
            service.enroll("kim", photos(*more), mode=Mode.ADD)
        (template,) = service.export("kim").templates
        assert template.samples == len(CALLS[0][0])
        made.append(template.embedding)
        service.erase("kim")
    for each in made[1:]:
        np.testing.assert_allclose(each, made[0], atol=1e-6)


def test_given_embedding_counts_as_one_photograph(service: Service) -> None:
    service.enroll("kim", given(face_of("kim")))
    service.enroll("kim", photos("kim:1", "kim:2"), mode=Mode.ADD)
    (template,) = service.export("kim").templates
    expected = average([face_of("kim"), embedding_of_photo("kim:1"), embedding_of_photo("kim:2")])
    assert template.samples == 3
    np.testing.assert_allclose(template.embedding, expected, atol=1e-6)


def test_add_answers_with_the_id_of_what_is_stored_now(service: Service) -> None:
    first = service.enroll("kim", "kim:1").template_id
    second = service.enroll("kim", "kim:2", mode=Mode.ADD).template_id
    assert first != second
    assert [one.template_id for one in service.export("kim").templates] == [second]


@pytest.mark.parametrize("mode", EXISTING)
def test_refused_photographs_change_nothing(service: Service, mode: Mode) -> None:
    service.enroll("kim", photos("kim:1", "kim:2"))
    before = service.export("kim").templates
    with pytest.raises(SubjectMismatch):
        service.enroll("kim", "lee:1", mode=mode)
    (after,) = service.export("kim").templates
    assert (after.template_id, after.samples) == (before[0].template_id, 2)


def test_add_refuses_what_would_make_the_template_somebody_elses(service: Service) -> None:
    """Neither photograph reaches the threshold with the other person, but their mean does, as it
    would had both come in one call.
    """
    face, far, lee = _two_photographs_and_somebody_between()
    service.enroll("lee", given(lee))
    service.enroll("kim", given(face))
    with pytest.raises(DuplicateSubject) as refusal:
        service.enroll("kim", given(far), mode=Mode.ADD)
    assert [one.subject_id for one in refusal.value.candidates] == ["lee"]
    assert service.export("kim").templates[0].samples == 1


def _two_photographs_and_somebody_between() -> tuple[Embedding, Embedding, Embedding]:
    """Cosines: 0.5 of the photographs, 0.38 of each with the other person, 0.44 of their mean."""
    first, second, third = np.eye(EMBEDDING_SIZE, dtype=np.float32)[:3]
    far = normalize(0.5 * first + np.sqrt(0.75) * second)
    middle = normalize(first + far)
    return first, far, normalize(0.44 * middle + np.sqrt(1 - 0.44**2) * third)


def test_replace_leaves_the_new_template_only(service: Service) -> None:
    service.enroll("kim", "kim:1")
    service.enroll("kim", "kim:2", mode=Mode.REPLACE)
    assert service.subjects.show("kim", DEFAULT).summary.templates == 1
    expected = PHOTO_COSINE**2
    assert service.verify("kim", "kim:1").decision.similarity == pytest.approx(expected, abs=0.1)


def test_person_under_a_second_name_is_refused_by_default(service: Service) -> None:
    service.enroll("kim", "kim:1")
    with pytest.raises(DuplicateSubject) as refusal:
        service.enroll("kim2", "kim:1")
    (lookalike,) = refusal.value.candidates
    assert lookalike.subject_id == "kim"
    assert lookalike.similarity == pytest.approx(1.0, abs=1e-5)


def test_flagged_duplicate_is_enrolled_and_named(service: Service) -> None:
    service.enroll("kim", "kim:1")
    enrolled = service.enroll("kim2", "kim:1", on_duplicate=DuplicatePolicy.FLAG)
    assert [one.subject_id for one in enrolled.duplicates] == ["kim"]
    assert service.found("kim:1") == ["kim", "kim2"]


def test_who_may_only_enroll_is_not_laxer_than_the_collection(service: Service) -> None:
    enroller = replace(service, caller=replace(KEY_HOLDER, scopes=frozenset({Scope.ENROLL})))
    enroller.enroll("kim", "kim:1")
    for policy in (DuplicatePolicy.FLAG, DuplicatePolicy.ALLOW):
        with pytest.raises(DuplicateSubject):
            enroller.enroll("kim2", "kim:1", on_duplicate=policy)


def test_allowed_duplicate_is_enrolled_without_a_search(service: Service) -> None:
    service.enroll("kim", "kim:1")
    assert service.enroll("kim2", "kim:1", on_duplicate=DuplicatePolicy.ALLOW).duplicates == []
    assert service.found("kim:1") == ["kim", "kim2"]


def test_duplicates_are_named_most_similar_first(service: Service) -> None:
    face = face_of("kim")
    for name, cosine in [("far", 0.5), ("near", 0.9), ("middle", 0.7)]:
        probe = given(at_cosine(face, cosine, name))
        service.enroll(name, probe, on_duplicate=DuplicatePolicy.ALLOW)
    with pytest.raises(DuplicateSubject) as refusal:
        service.enroll("kim", given(face))
    named = [one.subject_id for one in refusal.value.candidates]
    assert named == ["near", "middle", "far"]


@pytest.mark.parametrize("mode", EXISTING)
def test_own_earlier_template_never_counts_as_a_duplicate(service: Service, mode: Mode) -> None:
    service.enroll("kim", "kim:1")
    assert service.enroll("kim", "kim:1", mode=mode).duplicates == []


@pytest.mark.parametrize("mode", EXISTING)
def test_add_and_replace_refuse_a_face_enrolled_under_another_name(
    service: Service, mode: Mode
) -> None:
    service.enroll("kim", given(face_of("kim")))
    twin = at_cosine(face_of("kim"), 0.5)
    service.enroll("twin", given(twin), on_duplicate=DuplicatePolicy.ALLOW)
    with pytest.raises(DuplicateSubject):
        service.enroll("kim", given(face_of("kim")), mode=mode)


def test_same_face_in_another_collection_is_no_duplicate(service: Service) -> None:
    service.put("shop")
    service.enroll("kim", "kim:1")
    assert service.enroll("kim", "kim:1", collection="shop").duplicates == []


def test_duplicate_is_judged_by_the_profile_that_is_asked_for(service: Service) -> None:
    service.enroll("kim", given(face_of("kim")))
    probe = given(at_cosine(face_of("kim"), 0.35))
    with pytest.raises(DuplicateSubject):
        service.enroll("lee", probe, profile="aggressive")
    assert service.enroll("lee", probe, profile="balanced").duplicates == []


def test_photographs_are_judged_before_anything_is_stored(service: Service) -> None:
    with pytest.raises(NoUsableFace):
        service.enroll("kim", "no_face")
    assert service.subjects.page(DEFAULT, 10, None).subjects == []


def test_unknown_collection_is_refused(service: Service) -> None:
    with pytest.raises(CollectionNotFound):
        service.enroll("kim", "kim:1", collection="nowhere")


@pytest.mark.parametrize("policy", DuplicatePolicy)
def test_unknown_profile_is_refused_under_every_policy(
    service: Service, policy: DuplicatePolicy
) -> None:
    with pytest.raises(ProfileNotFound):
        service.enroll("kim", "kim:1", profile="paranoid", on_duplicate=policy)
    assert service.found("kim:1") == []
