"""Everything that a person reads exists in Korean and in English and says the same."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from service.domain import errors
from service.domain.errors import Candidate, FaceError
from service.domain.face import Reason
from service.domain.messages import (
    ALLOWED,
    CAMERA_FAILED,
    ERRORS,
    NO_EMBEDDING,
    FieldProblem,
    Language,
    Message,
    advice,
    band_text,
    field_problem_text,
    message,
)
from service.domain.thresholds import Band

LANGUAGES: tuple[Language, ...] = ("ko", "en")
HANGUL = re.compile("[가-힣]")

AS_DOCUMENTED = [
    FaceError(),
    errors.InvalidRequest([{"field": "limit", "message": "too large"}]),
    errors.Unauthenticated(),
    errors.NotAllowed(),
    errors.DirectoryNotAllowed(),
    errors.NotFound(),
    errors.SubjectNotFound(),
    errors.CollectionNotFound(),
    errors.ProfileNotFound(),
    errors.ApiKeyNotFound(),
    errors.Conflict(),
    errors.SubjectExists(),
    errors.DuplicateSubject([Candidate("kim", 0.9)]),
    errors.SubjectMismatch(),
    errors.ModelMismatch(stored="a@sha256:0", served="b@sha256:1"),
    errors.IdempotencyConflict(),
    errors.ApiKeyExists(),
    errors.SubjectRepeated(),
    errors.PurgeHeld(expired=400, people=500),
    errors.UnacceptableImages(),
    errors.ImageTooLarge(limit="10 MiB"),
    errors.TooManyImages(limit=20),
    errors.UnsupportedImage(),
    errors.UnusableSamples(),
    errors.NoUsableFace([]),
    errors.InconsistentImages([]),
    errors.InvalidEmbedding(),
    errors.TemplateTampered(),
    errors.RecordTampered(),
    errors.AuditTampered(),
    errors.Unavailable(),
    errors.Overloaded(),
    errors.DatabaseUnavailable(),
    errors.DatabaseReadOnly(),
    errors.DatabaseStandby(),
    errors.ClocksDisagree(seconds=-90),
    errors.CameraUnavailable(),
    errors.KeyServiceUnavailable(),
    errors.RateLimited(retry_after=30),
    errors.SubjectLocked(retry_after=900),
    errors.Misconfigured(),
    errors.ModelUnavailable(model="buffalo_l", path="/models", cause="no such folder"),
    errors.GpuUnavailable(available="CPUExecutionProvider"),
    errors.ConflictingRuntimes(runtimes="onnxruntime, onnxruntime-gpu"),
    errors.MasterKeyMissing(),
    errors.MasterKeyInvalid(),
    errors.DatabaseUnsuitable(),
    errors.DatabaseNotMigrated(),
    errors.DatabaseRightMissing(right="INSERT", table="templates"),
    errors.TlsUnusable(cause="tls.pem: no such file"),
    errors.DatabaseNotEmpty(),
    errors.DatabaseDistributed(what="face backup", instead="docs/citus.md"),
    errors.BackupDamaged(),
    errors.BackupTooNew(version="2.0.0"),
    errors.CopyFailed(program="pg_dump", cause="connection refused"),
    errors.BulkFileUnusable(),
    errors.ExtraMissing(extra="bulk"),
    errors.ClusterUnavailable(cause="ConnectionError"),
    errors.PackExists(path="models/mobile_s_int8"),
    errors.TooFewPhotographs(found=3, needed=16),
    errors.QuantizationFailed(model="mobile_s", cause="it has a manifest"),
]


def _placeholders(text: Message) -> set[str]:
    fields = Formatter().parse(text.title + text.detail)
    return {name for _, name, _, _ in fields if name is not None}


def _all_classes(root: type[FaceError]) -> set[type[FaceError]]:
    return {root}.union(*(_all_classes(child) for child in root.__subclasses__()))


def test_every_error_of_the_tree_is_tried_below() -> None:
    tree = {one for one in _all_classes(FaceError) if one.__module__ == errors.__name__}
    assert {type(error) for error in AS_DOCUMENTED} == tree


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("error", AS_DOCUMENTED, ids=lambda error: type(error).__name__)
def test_error_has_a_title_and_a_detail(error: FaceError, language: Language) -> None:
    text = message(error, language)
    assert text.title
    assert text.detail
    assert "{" not in text.detail


@pytest.mark.parametrize("error", AS_DOCUMENTED, ids=lambda error: type(error).__name__)
def test_detail_shows_every_value_of_the_error(error: FaceError) -> None:
    for language in LANGUAGES:
        detail = message(error, language).detail
        assert all(str(value) in detail for value in error.values.values())


def test_value_with_braces_is_printed_as_it_is() -> None:
    error = errors.ImageTooLarge(limit="{stored}")
    assert "{stored}" in message(error, "en").detail


@pytest.mark.parametrize("code", ERRORS)
def test_languages_have_the_same_placeholders(code: str) -> None:
    assert _placeholders(ERRORS[code]["ko"]) == _placeholders(ERRORS[code]["en"])


@pytest.mark.parametrize("code", ERRORS)
def test_korean_is_korean_and_english_is_not(code: str) -> None:
    korean, english = ERRORS[code]["ko"], ERRORS[code]["en"]
    assert HANGUL.search(korean.title)
    assert HANGUL.search(korean.detail)
    assert not HANGUL.search(english.title + english.detail)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_comes_with_advice_in_both_languages(reason: Reason) -> None:
    assert HANGUL.search(advice(reason, "ko"))
    assert advice(reason, "en").isascii()


@pytest.mark.parametrize("band", Band)
def test_every_band_has_a_text_of_its_own_in_both_languages(band: Band) -> None:
    for language in LANGUAGES:
        others = {band_text(other, language) for other in Band if other is not band}
        assert band_text(band, language)
        assert band_text(band, language) not in others


@pytest.mark.parametrize("problem", FieldProblem)
def test_every_problem_of_a_field_has_a_text_in_both_languages(problem: FieldProblem) -> None:
    assert HANGUL.search(field_problem_text({"problem": problem}, "ko"))
    assert field_problem_text({"problem": problem}, "en").isascii()


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed_is_told_in_both_languages(name: str) -> None:
    particular = {"problem": FieldProblem.INVALID, "allowed": {name: "{x}"}}
    for language in LANGUAGES:
        assert "{x}" in field_problem_text(particular, language)
    assert HANGUL.search(ALLOWED[name]["ko"])
    assert ALLOWED[name]["en"].isascii()


def test_band_of_the_contracts_example() -> None:
    assert band_text(Band.VERY_HIGH, "ko") == "동일인 가능성 높음"


def test_failed_captures_read_as_existing_clients_know_them() -> None:
    assert CAMERA_FAILED["ko"] == "카메라를 열 수 없습니다."
    assert NO_EMBEDDING["ko"] == "얼굴 임베딩을 추출하지 못했습니다."


def test_reasons_are_those_of_the_contract() -> None:
    assert [reason.value for reason in Reason] == [
        "unreadable",
        "too_large",
        "no_face",
        "multiple_faces",
        "low_detection_score",
        "face_too_small",
        "inconsistent",
    ]
