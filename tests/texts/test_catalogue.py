"""Everything that a person reads exists in Korean and in English, says the same and is used."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest

from service.api.problems import AddressNotFound, MethodNotAllowed
from service.cli.wrong_use import WrongUse
from service.domain import errors
from service.domain.active_liveness import Verdict
from service.domain.bulk import Result
from service.domain.capacity import Shortage
from service.domain.causes import Cause
from service.domain.challenge import Step
from service.domain.decision import Recommendation
from service.domain.errors import (
    Candidate,
    FaceError,
    FieldProblem,
    Lacking,
    NotAllowed,
    Shut,
    ShutCause,
    Unauthenticated,
)
from service.domain.face import Reason
from service.domain.flagged_duplicate import DuplicateDecision
from service.domain.integrity import Flaw, RecordFlaw
from service.domain.step_pose import Doubt
from service.domain.thresholds import Band, Origin
from service.domain.warnings import WarningCode
from service.engine.licenses import License
from service.texts import CATALOGUE, Language, field_problem_text, message, text
from service.usecases.backup import BackupStep
from tests.texts.keys import KEYS, fields, names

LANGUAGES: tuple[Language, ...] = ("ko", "en")
HANGUL = re.compile("[가-힣]")

CODES: dict[str, list[type[StrEnum]]] = {
    "shortage": [Shortage],
    "advice": [Reason],
    "warning": [WarningCode],
    "band": [Band],
    "recommendation": [Recommendation],
    "field_problem": [FieldProblem],
    "keyless_call": [ShutCause],
    "lacking": [Lacking],
    "wrong_use": [WrongUse],
    "cause": [Cause],
    "flaw": [Flaw, RecordFlaw],
    "bulk_result": [Result],
    "duplicate_decision": [DuplicateDecision],
    "backup_step": [BackupStep],
    "source": [Origin],
    "license": [License],
}
"""The groups whose sentences are looked up by a code."""

AS_DOCUMENTED = [
    FaceError(),
    errors.InvalidRequest([{"field": "limit", "message": "too large"}]),
    errors.Unauthenticated(),
    errors.NotAllowed(),
    errors.DirectoryNotAllowed(),
    errors.NotFound(),
    errors.SubjectNotFound(),
    errors.CollectionNotFound(),
    errors.ProfileNotFound(profiles="balanced, vip"),
    errors.ApiKeyNotFound(),
    errors.DuplicateNotFound(),
    errors.Conflict(),
    errors.SubjectExists(),
    errors.DuplicateSubject([Candidate("kim", 0.9)]),
    errors.DuplicateResolved(decision="same_person"),
    errors.SubjectMismatch(),
    errors.ModelMismatch(stored="a@sha256:0", served="b@sha256:1"),
    errors.ModelMoveUnderWay(collection="default", model="b@sha256:1"),
    errors.ModelNotMoving(collection="default"),
    errors.PeopleNotMoved(collection="default", number=3, people=20),
    errors.ProfilesMissing(collection="default", profiles="door"),
    errors.IdempotencyConflict(),
    errors.LivenessUsed(),
    errors.ApiKeyExists(),
    errors.CollectionExists(),
    errors.SubjectRepeated(),
    errors.PurgeHeld(expired=400, people=500),
    errors.UnacceptableImages(),
    errors.ImageTooLarge(limit="10 MiB"),
    errors.TooManyImages(limit=20),
    errors.UnsupportedImage(),
    errors.UnusableSamples(),
    errors.NoUsableFace([]),
    errors.DirectoryNotFound(),
    errors.InconsistentImages([]),
    errors.InvalidEmbedding(),
    errors.LivenessExpired(),
    errors.LivenessFailed(),
    errors.LivenessRequired(),
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
    errors.OperationFailed(),
    errors.ModelUnavailable(model="buffalo_l", path="/models", cause="no such folder"),
    errors.LandmarksUnavailable(model="dlib"),
    errors.LivenessModelsUnavailable(path="/models", cause="no such file"),
    errors.LivenessModelsUnset(),
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
    errors.CalibrationDamaged(path="calibrations/0.json", cause="too large"),
    errors.PackExists(path="models/mobile_s_int8"),
    errors.TooFewPhotographs(found=3, people=1, needed=16, refused="no_face 2"),
    errors.TooFewPresentations(found=3, needed=30),
    errors.QuantizationFailed(model="mobile_s", cause="it has a manifest"),
]


def _all_classes(root: type[FaceError]) -> set[type[FaceError]]:
    return {root}.union(*(_all_classes(child) for child in root.__subclasses__()))


def test_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(CATALOGUE["ko"]) == list(CATALOGUE["en"])


def test_languages_have_the_same_fields() -> None:
    assert [key for key in KEYS if fields("ko", key) != fields("en", key)] == []


def test_korean_is_korean_and_english_is_not() -> None:
    assert [key for key, korean in CATALOGUE["ko"].items() if not HANGUL.search(korean)] == []
    assert [key for key, english in CATALOGUE["en"].items() if HANGUL.search(english)] == []
    assert all(CATALOGUE["en"].values())


@pytest.mark.parametrize("group", CODES)
def test_every_code_has_a_sentence_and_every_sentence_a_code(group: str) -> None:
    assert names(group) == {code for kind in CODES[group] for code in kind}


def test_every_code_of_liveness_has_a_sentence_and_every_sentence_one() -> None:
    codes: dict[str, type[StrEnum]] = {"step": Step, "doubt": Doubt, "verdict": Verdict}
    told = {f"liveness.{group}.{code}" for group, kind in codes.items() for code in kind}
    assert {key for key in KEYS if key.startswith("liveness.")} == told


def test_every_error_has_a_title_and_a_detail_and_every_text_an_error() -> None:
    apart = {kind.code for kind in (AddressNotFound, MethodNotAllowed)}
    codes = {type(error).code for error in AS_DOCUMENTED} | apart
    wanted = {f"error.{code}.{part}" for code in codes for part in ("title", "detail")}
    assert {key for key in KEYS if key.startswith("error.")} == wanted


def test_every_error_of_the_tree_is_tried_here() -> None:
    tree = {one for one in _all_classes(FaceError) if one.__module__ == errors.__name__}
    assert {type(error) for error in AS_DOCUMENTED} == tree


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("error", AS_DOCUMENTED, ids=lambda error: type(error).__name__)
def test_detail_shows_every_value_of_the_error(error: FaceError, language: Language) -> None:
    detail = message(language, error).detail
    assert all(str(value) in detail for value in error.values.values())


def test_value_with_braces_is_printed_as_it_is() -> None:
    error = errors.ImageTooLarge(limit="{stored}")
    assert "{stored}" in message("en", error).detail


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_band_has_a_text_of_its_own(language: Language) -> None:
    assert len({text(language, f"band.{band}") for band in Band}) == len(Band)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(names("allowed")))
def test_what_is_allowed_follows_what_is_wrong(name: str, language: Language) -> None:
    particular = {"problem": FieldProblem.INVALID, "allowed": {name: "{x}"}}
    told = field_problem_text(language, particular)
    assert told.startswith(text(language, "field_problem.invalid"))
    assert "{x}" in told


def test_band_of_the_contracts_example() -> None:
    assert text("ko", "band.very_high") == "동일인 가능성 높음"


def test_failed_captures_read_as_existing_clients_know_them() -> None:
    assert text("ko", "token.camera_failed") == "카메라를 열 수 없습니다."
    assert text("ko", "token.no_embedding") == "얼굴 임베딩을 추출하지 못했습니다."


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("error", "named"),
    [
        (Unauthenticated(Shut(ShutCause.FORWARDED, "x-real-ip")), "x-real-ip"),
        (NotAllowed(scope="token/verify"), "token/verify"),
        (NotAllowed(collection="shop"), "shop"),
        (NotAllowed(scope="admin", collections="all"), "admin"),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_refusal_names_what_stood_in_the_way(
    language: Language, error: FaceError, named: str
) -> None:
    assert named in message(language, error).detail
