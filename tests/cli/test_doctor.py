"""`face doctor` and `face migrate`."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

from service import wiring
from service.cli import doctor
from service.domain.errors import DatabaseNotMigrated
from service.storage.tables import REVISION
from service.wiring import DISTRIBUTION
from tests.cli.face import MASTER_KEY, Face, call
from tests.own_server import own_server


def test_doctor_is_content_where_all_is_in_order(gallery_face: Face) -> None:
    outcome = gallery_face("doctor", "--lang", "en")
    assert outcome.status == 0, outcome.out
    assert "mobile_s@sha256:" in outcome.out
    assert "CPUExecutionProvider -> CPUExecutionProvider" in outcome.out
    assert "non-commercial" in outcome.out
    assert "!!" not in outcome.out


def test_doctor_tells_of_the_database(bare: Face) -> None:
    with own_server() as server:
        server.run("CREATE DATABASE face")
        face = bare.but(database_url=server.url(database="face"), master_key=MASTER_KEY)
        unmigrated = face("doctor", "--lang", "en").out
        face("migrate")
        told = face("doctor", "--lang", "en").out
        korean = face("doctor").out
        server.stop()
        stopped = face("doctor", "--lang", "en").out
        server.start()
    assert "database     ok  PostgreSQL 18." in told
    assert f", postgres@127.0.0.1:{server.port}/face, no TLS, revision {REVISION}" in told
    assert f"postgres@127.0.0.1:{server.port}/face, TLS 없음, 리비전 {REVISION}" in korean
    assert (
        "database     !!  The database is not migrated. Run `face migrate`. (PostgreSQL"
        in unmigrated
    )
    assert f", postgres@127.0.0.1:{server.port}/face, no TLS, revision none)" in unmigrated
    assert "clocks       --  not looked at" in stopped
    assert (
        f"database     !!  The database cannot be reached. Nobody listens at 127.0.0.1:{server.port}."
        in stopped
    )


def test_doctor_tells_of_clocks_that_disagree(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_DATABASE_URL", database_url)
    monkeypatch.setenv("FACE_MASTER_KEY", MASTER_KEY)
    monkeypatch.setattr(wiring, "utc_now", lambda: datetime.now(UTC) + timedelta(days=400))
    told = call("doctor", "--lang", "en")
    assert told.status == 3
    assert "clocks       !!  The clocks of the service and its database disagree." in told.out
    assert "is 34560000 s ahead" in told.out


def test_doctor_tells_of_a_redis_that_does_not_answer(bare_gallery: Face) -> None:
    told = bare_gallery.but(rate_limit_storage="redis://127.0.0.1:1")("doctor", "--lang", "en")
    assert told.status == 3
    assert "redis        !!  The Redis of FACE_RATE_LIMIT_STORAGE does not answer." in told.out


@pytest.mark.parametrize(
    ("can", "told"),
    [
        (True, "8 bits       ok  the processor multiplies bytes"),
        (False, "has no instruction that multiplies bytes (VNNI, AMX, the dot"),
        (None, "8 bits       ok  this system does not tell"),
    ],
)
def test_doctor_tells_whether_the_processor_is_one_for_8_bits(
    bare: Face, monkeypatch: pytest.MonkeyPatch, can: bool | None, told: str
) -> None:
    monkeypatch.setattr(doctor, "multiplies_bytes", lambda: can)
    nowhere = bare.but(model_name="nobodys_int8", database_url="postgresql://127.0.0.1:1/none")
    assert told in nowhere("doctor", "--lang", "en").out


def test_doctor_looks_at_the_folders_that_may_be_read(bare_gallery: Face, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    roots = os.pathsep.join(str(tmp_path / name) for name in ("there", "gone"))
    told = bare_gallery.but(image_roots=roots)("doctor", "--lang", "en").out
    assert f"image roots  !!  {tmp_path / 'gone'} in FACE_IMAGE_ROOTS is no folder." in told


def test_doctor_looks_at_the_services_certificate(bare_gallery: Face, tmp_path: Path) -> None:
    certificate = tmp_path / "tls.pem"
    certificate.write_text("no certificate")
    told = bare_gallery.but(ssl_certfile=certificate)("doctor", "--lang", "en").out
    assert "tls          !!  The TLS certificate or key cannot be used." in told
    assert "tls.pem" in told


def test_doctor_names_misspelt_settings(bare_gallery: Face) -> None:
    told = bare_gallery("doctor", "--lang", "en", FACE_LANGUGE="en").out
    assert "settings     !!  FACE_LANGUGE in the environment is no setting" in told
    assert "Did you mean FACE_LANGUAGE?" in told


def test_doctor_tells_of_more_processes_than_cores(bare_gallery: Face) -> None:
    face = bare_gallery.but(model_name="nopack", server_workers=64)
    told, korean = (face("doctor", "--lang", language).out for language in ("en", "ko"))
    assert "cores        !   64 processes are more than the" in told
    assert "memory       --  not looked at: first mend what is wrong with model" in told
    assert "프로세스 64개가" in korean


def test_doctor_tells_of_memory_that_does_not_suffice(gallery_face: Face) -> None:
    outcome = gallery_face.but(max_image_pixels=10**12)("doctor", "--lang", "en")
    assert "memory       !   1 × " in outcome.out
    assert outcome.status == 0, outcome.out


def test_doctor_tells_of_too_few_open_files(bare_gallery: Face) -> None:
    face = bare_gallery.but(model_name="nopack")
    run = subprocess.run(
        ["sh", "-c", f"ulimit -n 1024; exec {sys.executable} -m service doctor --lang en"],
        env=face.environment(),
        cwd=face.folder,
        capture_output=True,
        text=True,
    )
    assert "open files   !   424 connections at a time instead of 2048" in run.stdout, run.stderr


def test_version_is_printed(bare: Face) -> None:
    outcome = bare("--version")
    assert (outcome.status, outcome.out) == (0, f"face {version(DISTRIBUTION)}\n")


def test_short_help_is_that_of_every_command(bare: Face) -> None:
    assert bare("apikey", "create", "-h").out == bare("apikey", "create", "--help").out


def test_doctor_names_a_missing_pack_and_looks_at_the_rest(bare_gallery: Face) -> None:
    outcome = bare_gallery.but(model_name="nopack")("doctor", "--lang", "en")
    assert outcome.status == 3
    assert outcome.out.count("The model cannot be loaded. Model nopack:") == 1
    assert "model        !!  The model cannot be loaded. Model nopack:" in outcome.out
    assert "providers    --  not looked at: first mend what is wrong with model" in outcome.out
    assert "master key   ok" in outcome.out
    assert "Traceback" not in outcome.err


def test_doctor_names_what_the_database_lacks(face: Face, empty_database_url: str) -> None:
    outcome = face.but(database_url=empty_database_url, master_key=MASTER_KEY)("doctor")
    assert outcome.status == 3
    assert "model        ok" in outcome.out
    assert "providers    ok" in outcome.out
    assert "`face migrate`" in outcome.out


def test_doctor_names_a_data_folder_that_cannot_be_made(bare: Face, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = bare.but(data_dir=tmp_path / "file" / "data")("doctor")
    assert outcome.status == 3
    assert "runtimes     ok" in outcome.out
    assert str(tmp_path / "file") in outcome.out


def test_migrate_makes_an_empty_database_ready(
    bare: Face, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_DATABASE_URL", empty_database_url)
    monkeypatch.setenv("FACE_MASTER_KEY", MASTER_KEY)
    with pytest.raises(DatabaseNotMigrated):
        call("subjects", "list")
    face = bare.but(database_url=empty_database_url, master_key=MASTER_KEY)
    migrated = face("migrate", "--lang", "en")
    assert (migrated.status, migrated.out) == (0, "")
    assert migrated.err == "the database is up to date\n"
    assert call("subjects", "list").status == 0
