"""A master key that is gone, or is not the right one: a sentence, and nothing is written."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import pytest

from service.domain.errors import MasterKeyInvalid
from service.storage.audit_log import holds_rows
from service.storage.engine import single_use_engine
from service.storage.tables import metadata
from service.vault.master_key import read_key_file
from tests.cli.face import MASTER_KEY, Face

NOBODY = 65534

ZEROS = f"{MASTER_KEY}\n"


def _rows(url: str) -> dict[str, int]:
    with single_use_engine(url).connect() as connection:
        return {
            name: len(connection.execute(table.select()).all())
            for name, table in metadata.tables.items()
        }


def test_lost_key_of_a_full_embedded_database_is_not_made_anew(
    embedded_face: Face, data_dir: Path
) -> None:
    assert embedded_face("subjects", "list").status == 0
    key_file, kept = data_dir / "master.key", data_dir / "kept"
    shutil.move(key_file, kept)
    for command in (["server", "--port", "0"], ["apikey", "create", "a", "--scope", "token"]):
        outcome = embedded_face(*command, FACE_LANGUAGE="en")
        assert outcome.status == 3, outcome.err
        assert f"{key_file} is gone" in outcome.err
        assert "nothing was written" in outcome.err
        assert not key_file.exists()
    named = embedded_face.but(master_key_file=kept)
    assert named("subjects", "list").status == 0
    shutil.move(kept, key_file)
    assert embedded_face("subjects", "list").status == 0


def test_another_key_in_the_place_of_the_lost_one_is_told(
    embedded_face: Face, data_dir: Path
) -> None:
    assert embedded_face("subjects", "list").status == 0
    (data_dir / "master.key").write_text(ZEROS)
    outcome = embedded_face("subjects", "list", FACE_LANGUAGE="en")
    assert outcome.status == 3
    assert "another database's" in outcome.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "There is no master key file"),
        ("", ": empty."),
        ("AAAA\n", ": 3 bytes."),
        ("no key!\n", ": not base64."),
        ("열쇠\n", ": not base64."),
    ],
)
def test_key_file_that_is_named_and_is_no_key_is_told(
    bare_gallery: Face, database_url: str, tmp_path: Path, content: str | None, told: str
) -> None:
    path = tmp_path / "named.key"
    if content is not None:
        path.write_text(content, "utf-8")
    face = bare_gallery.but(master_key=None, master_key_file=path)
    before = _rows(database_url)
    outcome = face("subjects", "list", FACE_LANGUAGE="en")
    assert outcome.status == 3
    assert told in outcome.err
    assert str(path) in outcome.err
    assert "Traceback" not in outcome.err
    assert _rows(database_url) == before
    assert path.exists() is (content is not None)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="becomes another user")
def test_key_file_of_somebody_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "closed.key"
    path.write_text(ZEROS)
    path.chmod(0o600)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        with pytest.raises(MasterKeyInvalid) as caught:
            read_key_file(path)
    finally:
        os.seteuid(0)
    assert caught.value.diagnosis is not None
    assert caught.value.diagnosis.values == {"path": path, "reason": "Permission denied"}


def test_wrong_value_of_the_setting_is_told_without_it(bare_gallery: Face) -> None:
    secret = base64.b64encode(b"not 32 bytes").decode()
    outcome = bare_gallery.but(master_key=secret)("subjects", "list", FACE_LANGUAGE="en")
    assert outcome.status == 3
    assert "FACE_MASTER_KEY: 12 bytes." in outcome.err
    assert secret not in outcome.err


def test_only_rows_of_the_service_make_a_database_full(
    database_url: str, empty_database_url: str
) -> None:
    assert not holds_rows(empty_database_url)
    assert not holds_rows(database_url)
    with single_use_engine(database_url).begin() as connection:
        connection.exec_driver_sql("INSERT INTO rate_counters VALUES ('key:a', 1, now())")
        connection.exec_driver_sql(
            "INSERT INTO liveness_frames VALUES"
            " (gen_random_uuid(), gen_random_uuid(), repeat('1', 256)::bit(256), '{}', now())"
        )
    assert not holds_rows(database_url)
    with single_use_engine(database_url).begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO api_keys (key_id, name, scopes, collections, secret_hash, created_at)"
            " VALUES ('k', 'n', '{}', '{}', decode(repeat('00', 32), 'hex'), now())"
        )
    assert holds_rows(database_url)
