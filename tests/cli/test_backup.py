"""`face backup` and `face restore`: what they print, and their statuses."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from service.config import AppConfig
from service.domain.callers import Scope
from service.storage.dump_restore import DatabaseDumps
from service.storage.engine import single_use_engine
from service.storage.migrations import migrate
from service.usecases.backup import BackupStep
from service.vault.archive import Manifest, SealedArchives
from service.vault.master_key import MasterKey
from service.vault.vault import Vault
from service.wiring import Wiring
from tests.cli.face import MASTER_KEY, Face

OTHER_KEY = base64.b64encode(b"\x01" * 32).decode()


def unwatched(step: BackupStep, size: int) -> None:
    pass


@pytest.fixture
def target(bare: Face, empty_database_url: str) -> Face:
    """An empty database."""
    return bare.but(database_url=empty_database_url, master_key=MASTER_KEY, language="en")


@pytest.fixture
def backup(database_url: str, tmp_path: Path) -> Path:
    """Of a database with one key for callers and the default collection."""
    wiring = Wiring(AppConfig(database_url=database_url, master_key=MASTER_KEY))
    wiring.prepare()
    wiring.api_keys.create("till", [Scope.VERIFY])
    wiring.backup(tmp_path / "monday.face", unwatched)
    wiring.storage.close()
    return tmp_path / "monday.face"


def is_empty(url: str) -> bool:
    with single_use_engine(url).connect() as connection:
        return connection.scalar(text("SELECT to_regclass('collections')")) is None


def archive_of(url: str, path: Path, revision: str | None = None) -> Path:
    """A backup without the command, as another version might have made it."""
    with DatabaseDumps(url).snapshot() as snapshot:
        contents = snapshot.contents
        manifest = Manifest(
            datetime(2026, 1, 2, tzinfo=UTC),
            "9.9.9",
            replace(contents, revision=revision or contents.revision),
        )
        archives = SealedArchives(Vault(MasterKey.from_base64(MASTER_KEY, "test")))
        archives.write(path, manifest, snapshot.dump())
    return path


def test_backup_restores_into_an_empty_database(
    bare_gallery: Face, target: Face, tmp_path: Path
) -> None:
    assert bare_gallery("apikey", "create", "till", "--scope=verify").status == 0
    assert bare_gallery("subjects", "list").status == 0
    made = bare_gallery("backup", "monday.face", "--lang", "en")
    assert (made.status, made.err) == (0, "backed up\n")
    assert re.search(r"api_keys +1", made.out)
    restored = target("restore", "monday.face")
    assert restored.status == 0, restored.err
    assert restored.err == "restored\n"
    assert "collection keys opened  1" in restored.out
    assert target("apikey", "list").out.count("till") == 1


def test_embedded_database_is_backed_up_and_restored(embedded_face: Face, data_dir: Path) -> None:
    assert embedded_face("apikey", "create", "till", "--scope=verify").status == 0
    assert embedded_face("subjects", "list").status == 0
    assert embedded_face("backup", "monday.face").status == 0
    elsewhere = embedded_face.but(
        data_dir=data_dir / "elsewhere", master_key_file=data_dir / "master.key"
    )
    assert elsewhere("restore", "monday.face").status == 0
    assert elsewhere("apikey", "list").out.count("till") == 1


def test_database_in_use_is_refused_with_how_to_go_on(
    backup: Path, target: Face, empty_database_url: str
) -> None:
    migrate(empty_database_url)
    again = target("restore", backup)
    assert again.status == 3
    assert "[database_not_empty]" in again.err
    assert "CREATE DATABASE" in again.err


def test_other_master_key_is_told_and_changes_nothing(
    backup: Path, target: Face, empty_database_url: str
) -> None:
    refused = target.but(master_key=OTHER_KEY)("restore", backup)
    assert refused.status == 3
    assert "[master_key_invalid]" in refused.err
    assert "Traceback" not in refused.err
    assert is_empty(empty_database_url)


def test_backup_under_another_key_than_the_databases_is_refused(
    backup: Path, bare_gallery: Face, tmp_path: Path
) -> None:
    refused = bare_gallery.but(master_key=OTHER_KEY)("backup", "b.face")
    assert refused.status == 3
    assert "[master_key_invalid]" in refused.err
    assert not (tmp_path / "b.face").exists()


def test_truncated_backup_is_told_and_changes_nothing(
    backup: Path, target: Face, empty_database_url: str
) -> None:
    backup.write_bytes(backup.read_bytes()[:-100])
    refused = target("restore", backup)
    assert refused.status == 3
    assert "[backup_damaged]" in refused.err
    assert is_empty(empty_database_url)


def test_backup_of_a_newer_version_names_it(
    database_url: str, target: Face, tmp_path: Path
) -> None:
    refused = target("restore", archive_of(database_url, tmp_path / "b.face", revision="9999"))
    assert refused.status == 3
    assert "9.9.9" in refused.err
    assert "[backup_too_new]" in refused.err


def test_existing_file_is_kept(backup: Path, bare_gallery: Face) -> None:
    before = backup.read_bytes()
    refused = bare_gallery("backup", backup)
    assert refused.status == 3
    assert str(backup) in refused.err
    assert backup.read_bytes() == before


def test_missing_backup_is_wrong_use(target: Face) -> None:
    assert target("restore", "nowhere.face").status == 2


def test_folder_that_is_not_there_is_told(bare_gallery: Face) -> None:
    refused = bare_gallery("backup", "nowhere/monday.face")
    assert refused.status == 3
    assert "Traceback" not in refused.err
