"""What a process of `face` leaves behind when it says no: a status, a sentence, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.cli.context import explain
from service.domain.errors import (
    ApiKeyExists,
    ApiKeyNotFound,
    CameraUnavailable,
    CollectionExists,
    CollectionNotFound,
    DuplicateSubject,
    FaceError,
    InvalidRequest,
    LivenessExpired,
    LivenessFailed,
    LivenessRequired,
    LivenessUsed,
    MasterKeyMissing,
    NoUsableFace,
    ProfileNotFound,
    SubjectExists,
    SubjectLocked,
    SubjectMismatch,
    SubjectNotFound,
    TooManyImages,
    UnsupportedImage,
)
from tests.cli.face import CHECKOUT, Face, call

People = dict[str, list[Path]]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DuplicateSubject([]), 1),
        (SubjectMismatch(), 1),
        (LivenessFailed(), 1),
        (InvalidRequest(), 2),
        (UnsupportedImage(), 2),
        (TooManyImages(limit=20), 2),
        (LivenessRequired(), 2),
        (LivenessExpired(), 3),
        (LivenessUsed(), 3),
        (SubjectExists(), 3),
        (ApiKeyExists(), 3),
        (ApiKeyNotFound(), 3),
        (CollectionExists(), 3),
        (CollectionNotFound(), 3),
        (ProfileNotFound(profiles="balanced"), 3),
        (SubjectLocked(retry_after=900), 3),
        (SubjectNotFound(), 3),
        (NoUsableFace(), 3),
        (CameraUnavailable(), 3),
        (MasterKeyMissing(), 3),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_status_tells_a_no_from_wrong_use_and_from_what_could_not_be_done(
    error: FaceError, status: int
) -> None:
    assert explain(error, "ko") == status


def test_duplicate_is_named_on_stderr(gallery_face: Face, people: People) -> None:
    photo = people["amy"][0]
    assert gallery_face("enroll", "amy", photo).status == 0
    duplicate = gallery_face("enroll", "eve", photo, "--lang", "en")
    assert (duplicate.status, duplicate.out) == (1, "")
    assert "[duplicate_subject]" in duplicate.err
    assert "  amy  1.0000" in duplicate.err
    assert "Traceback" not in duplicate.err


def test_error_speaks_the_language_of_lang(bare_gallery: Face) -> None:
    assert "등록된 사람이 아닙니다." in bare_gallery("subjects", "show", "amy").err
    english = bare_gallery("subjects", "show", "amy", "--lang=en")
    assert english.status == 3
    assert english.err.startswith("The subject is not enrolled.")


def test_name_that_cannot_be_used_is_told_what_may(bare_gallery: Face) -> None:
    refused = bare_gallery("subjects", "show", "..", "--lang=en")
    assert refused.status == 2
    words = " ".join(refused.err.split())
    assert "It must be 1 to 128 of A to Z, a to z, 0 to 9 and . _ : @ -" in words


def test_default_collection_exists_from_the_start(bare_gallery: Face) -> None:
    assert bare_gallery("subjects", "list").status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("no-such-command",),
        ("enroll",),
        ("enroll", "a/b", "photo.png"),
        ("enroll", "amy", "no-such-photo.png"),
        ("subjects", "list", "--limit", "0"),
        ("server", "--port", "http"),
        ("server", "--workers", "0"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_status_2(arguments: tuple[str, ...]) -> None:
    assert call(*arguments).status == 2


def test_wrong_use_of_the_process_is_status_2(bare: Face) -> None:
    outcome = bare.in_own_process()("no-such-command")
    assert (outcome.status, outcome.out) == (2, "")
    assert "Traceback" not in outcome.err


def test_help_names_every_command_of_the_contract(bare: Face) -> None:
    outcome = bare("--help")
    assert outcome.status == 0
    commands = "camera directory video server compare enroll verify dedupe identify delete"
    for command in f"{commands} subjects migrate doctor apikey".split():
        assert f"  {command} " in outcome.out


@pytest.mark.parametrize("encoding", ["ascii", "cp949"])
def test_no_encoding_of_the_terminal_stops_a_command(bare_gallery: Face, encoding: str) -> None:
    outcome = bare_gallery.start(
        "apikey", "list", PYTHONIOENCODING=encoding, PYTHONUTF8="0", LC_ALL="C"
    )
    with outcome as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert "이름" in out.decode("cp949" if encoding == "cp949" else "utf-8")


def test_console_script_is_the_same_command() -> None:
    assert 'face = "service.cli:main"' in (CHECKOUT / "pyproject.toml").read_text("utf-8")
