"""Where the master key comes from, and what is no master key."""

from __future__ import annotations

import base64
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from service.domain.causes import Cause, Diagnosis
from service.domain.errors import MasterKeyInvalid, MasterKeyMissing
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import KeyPlace, MasterKey, Use, create_key_file, read_key_file

SECRET = bytes(range(KEY_BYTES))
TEXT = base64.b64encode(SECRET).decode()

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")


@pytest.mark.parametrize("text", [TEXT, f" {TEXT}\n", f"{TEXT}\r\n"])
def test_key_is_read_from_base64(text: str) -> None:
    assert MasterKey.from_base64(text, "test").secret == SECRET


@pytest.mark.parametrize(
    ("text", "diagnosis"),
    [
        ("", Diagnosis(Cause.KEY_EMPTY, {"source": "here"})),
        (" \n", Diagnosis(Cause.KEY_EMPTY, {"source": "here"})),
        ("not base64!", Diagnosis(Cause.KEY_MALFORMED, {"source": "here"})),
        ("열쇠", Diagnosis(Cause.KEY_MALFORMED, {"source": "here"})),
        (TEXT + "====", Diagnosis(Cause.KEY_MALFORMED, {"source": "here"})),
        (TEXT[:-4], Diagnosis(Cause.KEY_OF_WRONG_LENGTH, {"source": "here", "size": 30})),
        (
            base64.b64encode(SECRET + b"x").decode(),
            Diagnosis(Cause.KEY_OF_WRONG_LENGTH, {"source": "here", "size": 33}),
        ),
    ],
)
def test_anything_but_32_bytes_of_base64_is_no_key(text: str, diagnosis: Diagnosis) -> None:
    with pytest.raises(MasterKeyInvalid) as caught:
        MasterKey.from_base64(text, "here")
    assert caught.value.__cause__ is None
    assert caught.value.diagnosis == diagnosis


def test_key_of_another_database_is_told_as_that() -> None:
    place = KeyPlace(uuid4(), uuid4(), Use.DATA)
    wrapped = MasterKey(SECRET).wrap(b"x" * 32, place)
    with pytest.raises(MasterKeyInvalid) as caught:
        MasterKey(bytes(KEY_BYTES)).unwrap(wrapped, place)
    assert caught.value.diagnosis == Diagnosis(Cause.KEY_OF_ANOTHER_DATABASE)


def test_key_prints_no_secret() -> None:
    assert repr(MasterKey(SECRET)) == str(MasterKey(SECRET)) == "MasterKey(***)"


def test_missing_file_is_a_missing_key(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyMissing) as caught:
        read_key_file(tmp_path / "none.key")
    missing = Diagnosis(Cause.KEY_FILE_MISSING, {"path": tmp_path / "none.key"})
    assert caught.value.diagnosis == missing


def test_unreadable_file_is_an_invalid_key(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyInvalid) as caught:
        read_key_file(tmp_path)
    assert caught.value.diagnosis is not None
    assert caught.value.diagnosis.cause is Cause.KEY_FILE_UNREADABLE


def test_key_file_is_made_once_and_then_read(tmp_path: Path) -> None:
    path = tmp_path / "열쇠 folder" / "master.key"
    assert create_key_file(path).secret == create_key_file(path).secret


def test_existing_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_text("precious")
    with pytest.raises(MasterKeyInvalid):
        create_key_file(path)
    assert path.read_text() == "precious"


@posix_only
def test_new_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_all_who_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda _: create_key_file(path).secret, range(64)))
    assert len(set(keys)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


@posix_only
def test_key_file_that_others_can_read_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mounted"
    path.write_text(TEXT)
    path.chmod(0o444)
    with caplog.at_level(logging.WARNING):
        assert read_key_file(path).secret == SECRET
    assert "read by other users" in caplog.text
    assert TEXT not in caplog.text
