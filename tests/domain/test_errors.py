"""One tree of errors, each leaf with a code of its own, as the contract lists them."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator

import pytest

from service.domain import errors
from service.domain.errors import FaceError, InvalidRequest, Unavailable
from service.domain.face import Reason
from tests.texts.keys import names

CONTRACT_CODES = [
    "invalid_request",
    "unauthenticated",
    "not_allowed",
    "directory_not_allowed",
    "subject_not_found",
    "collection_not_found",
    "profile_not_found",
    "subject_exists",
    "duplicate_subject",
    "subject_mismatch",
    "model_mismatch",
    "idempotency_conflict",
    "image_too_large",
    "too_many_images",
    "unsupported_image",
    "no_usable_face",
    "directory_not_found",
    "inconsistent_images",
    "invalid_embedding",
    "template_tampered",
    "internal_error",
    "overloaded",
    "database_unavailable",
    "camera_unavailable",
    "rate_limited",
    "subject_locked",
]


def classes(root: type[FaceError] = FaceError) -> Iterator[type[FaceError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from classes(child)


def with_own_code() -> list[type[FaceError]]:
    return [one for one in classes() if "code" in vars(one)]


LEAVES = [one for one in classes() if not one.__subclasses__()]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_every_leaf_has_a_code_of_its_own(leaf: type[FaceError]) -> None:
    assert "code" in vars(leaf)


def test_no_code_stands_for_two_errors() -> None:
    codes = [one.code for one in with_own_code()]
    assert len(codes) == len(set(codes))


def test_error_without_a_code_of_its_own_is_internal() -> None:
    nameless = [one for one in classes() if one not in with_own_code()]
    assert {one.code for one in nameless} == {"internal_error"}


@pytest.mark.parametrize("code", CONTRACT_CODES)
def test_code_of_the_contract_exists(code: str) -> None:
    assert code in {one.code for one in with_own_code()}
    assert code in names("error")


def test_tree_drawn_in_the_docstring_names_every_error_with_its_code() -> None:
    drawn = inspect.getdoc(errors) or ""
    lines = [line.split() for line in drawn.splitlines()]
    for one in classes():
        own = [one.code] if one is not FaceError and one in with_own_code() else []
        assert any({one.__name__, *own} <= set(line) for line in lines), one


def test_error_prints_its_code_and_none_of_its_values() -> None:
    assert str(errors.ModelMismatch(stored="a", served="b")) == "model_mismatch"
    assert str(errors.DuplicateSubject([errors.Candidate("kim", 0.9)])) == "duplicate_subject"


@pytest.mark.parametrize(
    "error",
    [
        errors.ModelMismatch(stored="a", served="b"),
        errors.DuplicateSubject([errors.Candidate("kim", 0.9)]),
        errors.NoUsableFace([]),
        errors.SubjectLocked(30),
    ],
    ids=lambda error: error.code,
)
def test_error_is_the_same_in_another_process(error: FaceError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_reasons_are_those_of_the_contract() -> None:
    assert [reason.value for reason in Reason] == [
        "unreadable",
        "too_large",
        "no_face",
        "multiple_faces",
        "low_detection_score",
        "face_too_small",
        "inconsistent",
        "too_blurred",
        "too_dark",
        "too_bright",
        "turned",
        "covered",
    ]


def test_invalid_request_names_the_fields() -> None:
    problems = [{"field": "subjectId", "message": "too long"}]
    assert InvalidRequest(problems).particulars == problems


def test_other_errors_have_no_particulars() -> None:
    assert errors.SubjectNotFound().particulars == ()


def test_directory_not_allowed_is_a_way_of_not_being_allowed() -> None:
    assert issubclass(errors.DirectoryNotAllowed, errors.NotAllowed)


@pytest.mark.parametrize("error", list(classes(Unavailable)), ids=lambda error: error.__name__)
def test_whoever_is_to_try_again_is_told_when(error: type[Unavailable]) -> None:
    assert error.retry_after > 0
