"""The main job on the command line, on real photographs: its words, its fields, its status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from service.domain.errors import (
    CollectionNotFound,
    DuplicateResolved,
    FaceError,
    InvalidEmbedding,
    InvalidRequest,
    NoUsableFace,
    SubjectLocked,
    SubjectMismatch,
    SubjectNotFound,
    UnsupportedImage,
)
from tests.cli.face import MASTER_KEY, call
from tests.engine.photographs import picture, with_face_behind
from tests.postgres import TestServer

People = dict[str, list[Path]]


@pytest.fixture(scope="module", autouse=True)
def enrolled(
    postgres_server: TestServer, migrated_template: str, model_root: Path, people: People
) -> Iterator[None]:
    """Amy is enrolled, in a database of this module's own; howard and raj stay strangers."""
    url = postgres_server.create(migrated_template)
    settings = {
        "MODEL_NAME": "mobile_s",
        "MODEL_ROOT": str(model_root),
        "USE_GPU": "false",
        "DATABASE_URL": url,
        "MASTER_KEY": MASTER_KEY,
        "LANGUAGE": "ko",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(f"FACE_{name}", value)
        status, out = run("enroll", "amy", *people["amy"][:2])
        assert (status, out) == (0, "amy: 등록되었습니다 (사용한 사진 2/2)\n")
        yield
    postgres_server.drop(url)


def run(*arguments: object) -> tuple[int, str]:
    outcome = call(*arguments)
    return outcome.status, outcome.out


def answer(*arguments: object) -> tuple[int, dict[str, Any]]:
    status, out = run(*arguments, "--json")
    return status, json.loads(out)


def test_same_person_is_status_0_and_another_is_status_1(people: People) -> None:
    status, out = run("verify", "amy", people["amy"][2])
    assert status == 0
    assert out.startswith("amy: 일치, 유사도 0.")
    status, out = run("verify", "amy", people["howard"][2], "--lang", "en")
    assert status == 1
    assert out.startswith("amy: no match, similarity 0.")
    assert "(threshold balanced 0.40)" in out


def test_verification_as_json_has_the_fields_of_http(people: People) -> None:
    status, fields = answer("verify", "amy", people["amy"][2], "--profile", "conservative")
    assert status == 0
    assert set(fields) == {
        *("subjectId", "match", "similarity", "threshold", "profile", "band", "recommendation"),
        *("modelId", "images", "warnings", "liveness"),
    }
    assert (fields["match"], fields["threshold"]) == (True, 0.45)


def test_enrollment_as_json_has_the_fields_of_http(people: People) -> None:
    status, fields = answer("enroll", "penny", people["penny"][0])
    assert status == 0
    assert set(fields) == {
        *("subjectId", "collection", "templateId", "modelId", "imagesUsed", "images"),
        *("duplicates", "duplicateThreshold", "warnings", "liveness", "enrolledAt"),
    }
    assert set(fields["images"][0]) == {
        *("index", "accepted", "reason", "advice", "detectionScore", "quality", "ignoredFaces")
    }


def test_somebody_small_behind_a_person_is_ignored_where_that_was_asked_for(
    people: People, tmp_path: Path
) -> None:
    crowded = tmp_path / "crowded.png"
    joined = with_face_behind(picture(people["amy"][2]), picture(people["raj"][0]))
    assert isinstance(joined.content, np.ndarray)
    cv2.imwrite(str(crowded), joined.content)
    with pytest.raises(NoUsableFace):
        run("verify", "amy", crowded)
    status, fields = answer("verify", "amy", crowded, "--faces", "dominant")
    assert (status, fields["images"][0]["ignoredFaces"]) == (0, 1)
    assert answer("dedupe", crowded, "--faces", "dominant")[0] == 1
    assert answer("identify", crowded, "--faces", "dominant")[0] == 0


@pytest.mark.parametrize("command", ["verify", "dedupe", "identify"])
def test_what_an_answer_is_worth_is_told_beside_it(people: People, command: str) -> None:
    whom = ["amy"] if command == "verify" else []
    outcome = call(command, *whom, people["amy"][2], "--lang", "en")
    assert "No error rate was measured for this model and profile." in outcome.err
    assert outcome.err.rstrip().endswith("[uncalibrated_model]")
    assert "uncalibrated_model" not in outcome.out


def test_photograph_that_was_left_out_is_named_with_advice(
    people: People, scenes: list[Path]
) -> None:
    status, out = run("enroll", "stuart", people["stuart"][0], scenes[0])
    assert status == 0
    assert "사용한 사진 1/2" in out
    assert f"{scenes[0].name}: multiple_faces - 여러 명의 얼굴이 있습니다." in out


def test_duplicate_check_is_status_1_for_a_duplicate_and_0_for_a_stranger(people: People) -> None:
    status, out = run("dedupe", people["amy"][3])
    assert status == 1
    assert "이미 등록된 얼굴입니다" in out
    assert "amy" in out
    status, out = run("dedupe", people["raj"][3], "--lang", "en")
    assert status == 0
    assert out.startswith("not enrolled")


def test_identification_is_status_0_for_somebody_known_and_1_for_a_stranger(
    people: People,
) -> None:
    status, fields = answer("identify", people["amy"][3])
    assert (status, fields["match"], fields["candidates"][0]["subjectId"]) == (0, True, "amy")
    status, fields = answer("identify", people["raj"][3])
    assert (status, fields["match"], fields["candidates"]) == (1, False, [])


def test_duplicate_check_as_json_has_the_fields_of_http(people: People) -> None:
    _, fields = answer("dedupe", people["amy"][3], "--limit", 1)
    named = {"duplicate", "candidates", "threshold", "profile", "searched", "exact"}
    assert named <= set(fields)
    assert set(fields["candidates"][0]) == {"subjectId", "similarity", "band"}


def test_deletion_is_told_with_its_audit_entry_and_the_person_is_gone(people: People) -> None:
    run("enroll", "leonard", people["leonard"][0])
    status, fields = answer("delete", "leonard")
    assert status == 0
    assert set(fields) == {"subjectId", "collection", "templatesDeleted", "deletedAt", "auditId"}
    with pytest.raises(SubjectNotFound):
        run("subjects", "show", "leonard")
    assert run("dedupe", people["leonard"][0])[0] == 0


def test_refusals_are_errors_with_codes(people: People, tmp_path: Path) -> None:
    text = tmp_path / "photo.jpg"
    text.write_text("no photograph")
    amy, howard = people["amy"][2], people["howard"][2]
    refusals: list[tuple[type[FaceError], tuple[object, ...]]] = [
        (SubjectMismatch, ("enroll", "amy", howard, "--mode", "add")),
        (UnsupportedImage, ("enroll", "text", text)),
        (UnsupportedImage, ("enroll", "endless", "/dev/zero")),
        (CollectionNotFound, ("dedupe", amy, "--collection", "nowhere")),
        (SubjectNotFound, ("delete", "nobody")),
    ]
    for error, arguments in refusals:
        with pytest.raises(error):
            run(*arguments)


def test_locked_subject_is_unlocked(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_LOCKOUT_AFTER", "1")
    assert run("verify", "amy", people["howard"][0])[0] == 1
    with pytest.raises(SubjectLocked):
        run("verify", "amy", people["amy"][2])
    assert answer("subjects", "show", "amy")[1]["lockedUntil"] is not None
    status, out = run("subjects", "unlock", "amy", "--lang", "en")
    assert (status, out.startswith("amy: unlocked (audit entry ")) == (0, True)
    status, fields = answer("subjects", "unlock", "amy")
    assert (status, fields["lockedUntil"]) == (0, None)
    assert run("verify", "amy", people["amy"][2])[0] == 0


def test_person_is_renamed_and_back(people: People) -> None:
    status, out = run("subjects", "rename", "amy", "amy.f", "--lang", "en")
    assert (status, out.startswith("amy: called amy.f from now on (audit entry ")) == (0, True)
    assert run("verify", "amy.f", people["amy"][2])[0] == 0
    with pytest.raises(SubjectNotFound):
        run("verify", "amy", people["amy"][2])
    status, fields = answer("subjects", "rename", "amy.f", "amy")
    assert (status, fields["subjectId"]) == (0, "amy")
    assert {"auditId", "lockedUntil"} < fields.keys()


def test_person_is_enrolled_on_the_terms_that_are_given(people: People) -> None:
    said = ("--consent-reference", "form 1", "--expires-at", "2099-01-31T18:00:00+09:00")
    more = ("--metadata", '{"door": 1}', "--idempotency-key", "order-1")
    first = answer("enroll", "leonard", people["leonard"][0], *said, *more)
    assert answer("enroll", "leonard", people["leonard"][0], *said, *more) == first  # a retry
    _, shown = answer("subjects", "show", "leonard")
    assert (shown["consentReference"], shown["metadata"]) == ("form 1", {"door": 1})
    assert shown["expiresAt"] == "2099-01-31T09:00:00Z"
    run("delete", "leonard")


def test_terms_that_are_wrong_are_named_before_a_face_is_looked_at(people: People) -> None:
    said = ("--expires-at", "tomorrow", "--metadata", "[1]", "--consent-reference", "x" * 257)
    with pytest.raises(InvalidRequest) as refused:
        run("enroll", "leonard", people["leonard"][0], *said)
    assert [each["field"] for each in refused.value.particulars] == [
        *("metadata", "expiresAt", "consentReference")
    ]
    for key in ("", "a b", "x" * 129):
        assert run("enroll", "leonard", people["leonard"][0], "--idempotency-key", key)[0] == 2


def test_face_comes_from_a_folder_or_a_file_of_numbers(people: People, tmp_path: Path) -> None:
    folder, numbers = people["amy"][0].parent, tmp_path / "amy.json"
    status, fields = answer("verify", "amy", "--directory", folder, "--max-images", 2)
    assert (status, len(fields["images"])) == (0, 2)
    numbers.write_text(run("directory", "--path", folder)[1])
    assert answer("verify", "amy", "--embedding", numbers)[0] == 0
    assert answer("identify", "--embedding", numbers)[0] == 0
    assert run("verify", "amy", "--embedding", numbers, "--directory", folder)[0] == 2
    numbers.write_text('{"a": 1}')
    with pytest.raises(InvalidEmbedding):
        run("dedupe", "--embedding", numbers)


def test_two_ids_of_one_person_are_merged_and_strangers_are_not(people: People) -> None:
    for name, photo in (("amy.f", people["amy"][1]), ("leonard", people["leonard"][0])):
        run("enroll", name, photo, "--on-duplicate", "allow")
    with pytest.raises(SubjectMismatch):
        run("subjects", "merge", "leonard", "--from", "amy.f")
    status, out = run("subjects", "merge", "amy", "--from", "amy.f", "--lang", "en")
    assert (status, out.startswith("amy: has what amy.f had; amy.f is gone")) == (0, True)
    run("delete", "leonard")


def test_subjects_are_listed_page_by_page(people: People) -> None:
    run("enroll", "bernadette", people["bernadette"][0])
    status, out = run("subjects", "list", "--limit", 1)
    assert status == 0
    assert "amy" in out
    assert out.endswith("다음 쪽: --cursor amy\n")
    _, page = answer("subjects", "list", "--limit", 1, "--cursor", "amy")
    assert [one["subjectId"] for one in page["subjects"]] == ["bernadette"]
    assert answer("subjects", "list", "--cursor", "zoe")[1] == {"subjects": [], "nextCursor": None}


def test_subject_is_shown_without_vectors() -> None:
    status, fields = answer("subjects", "show", "amy")
    assert status == 0
    assert set(fields) == {
        *("subjectId", "collection", "templates", "enrolledAt", "modelIds", "metadata"),
        *("expiresAt", "consentReference", "lockedUntil"),
    }
    assert "amy" in run("subjects", "show", "amy", "--lang", "en")[1]


def test_flagged_duplicates_are_listed_and_decided_about(people: People) -> None:
    call("enroll", "twin", people["amy"][3], "--on-duplicate", "flag")
    (one,) = answer("duplicates", "list")[1]["duplicates"]
    assert (one["subjectId"], one["duplicateOf"], one["status"]) == ("twin", "amy", "open")
    out = run("duplicates", "list", "--limit", "1")[1]
    assert out.startswith("식별자")
    assert one["duplicateId"] in out
    resolve = ("duplicates", "resolve", one["duplicateId"])
    status, out = run(*resolve, "different_people", "--lang", "en")
    assert (status, out) == (0, "twin, amy: decided, different people\n")
    with pytest.raises(DuplicateResolved):
        run(*resolve, "same_person")
    status, decided = answer(*resolve, "same_person", "--force")
    assert (status, decided["decision"]) == (0, "same_person")
    assert answer("duplicates", "list", "--status", "resolved")[1]["duplicates"] == [decided]
    assert "동일인" in run("duplicates", "list", "--status", "resolved")[1]
    assert run("duplicates", "list", "--cursor", "1")[0] == 2
    run("delete", "twin")
    assert answer("duplicates", "list", "--status", "resolved")[1]["duplicates"] == []
