"""What can be wrong with the embedded database: mended, or told with its cause, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from service.domain.causes import Cause, Diagnosis
from service.domain.errors import DatabaseUnavailable
from service.storage import embedded_folder as server_folder
from service.storage import embedded_server
from service.storage import embedded_server as embedded
from service.storage.embedded_programs import server_owner, user_name
from service.storage.embedded_server import EmbeddedServer, start_embedded
from service.storage.embedded_use import is_served, one_at_a_time, read_record
from service.texts import text
from tests.storage.test_embedded import (
    BECOME,
    NOBODY,
    ROOT,
    _answers,
    _postmaster,
    _socket_folder,
    root_only,
)

TINY_DISK, SMALL_DISK = "20m", "40m"
"""A database does not fit on the one, and its log not on the other."""

SECONDS = 30.0

linux_root_only = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux, to mount a disk"
)

START = f"""
import sys
from pathlib import Path
from service.domain.errors import DatabaseUnavailable
from service.storage.embedded_server import start_embedded
from service.storage.embedded_programs import programs
{BECOME}
programs()
become({NOBODY})
try:
    start_embedded(Path(sys.argv[1]))
except DatabaseUnavailable as error:
    print(error.diagnosis.cause, error.diagnosis.values["user"])
"""


@pytest.fixture(scope="module")
def stopped() -> Iterator[Path]:
    """The data folder of a database that is made, and served by nobody."""
    with tempfile.TemporaryDirectory(prefix="face-test-", ignore_cleanup_errors=True) as folder:
        start_embedded(Path(folder)).stop()
        yield Path(folder)


def refusal(data_dir: Path) -> Diagnosis:
    """Why a start was refused; in both languages there is a sentence for it."""
    with pytest.raises(DatabaseUnavailable) as caught:
        start_embedded(data_dir)
    diagnosis = caught.value.diagnosis
    assert diagnosis is not None
    assert text("en", f"cause.{diagnosis.cause}", **diagnosis.values).isascii()
    assert not text("ko", f"cause.{diagnosis.cause}", **diagnosis.values).isascii()
    return diagnosis


def kill(server: EmbeddedServer) -> None:
    """Returns once it is dead."""
    postmaster = psutil.Process(_postmaster(server))
    postmaster.kill()
    deadline = time.monotonic() + SECONDS
    while server.runs and time.monotonic() < deadline:
        time.sleep(0.01)


@contextmanager
def changed(file: Path, content: str) -> Iterator[None]:
    before = file.read_bytes()
    file.write_text(content)
    try:
        yield
    finally:
        file.write_bytes(before)


def contents(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """Size, owner and moment of change of each file."""
    found = {path: path.lstat() for path in folder.rglob("*")}
    return {path: (one.st_size, one.st_uid, one.st_mtime_ns) for path, one in found.items()}


@contextmanager
def disk(size: str) -> Iterator[Path]:
    """A small one, mounted for a while."""
    with tempfile.TemporaryDirectory(prefix="face-disk-") as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder], check=False
        )
        if mounted.returncode:
            pytest.skip("this container may not mount")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


PID_FILES = {
    "empty": b"",
    "garbage": b"\xff\xfe\x00 nonsense\n",
    "torn": b"1234",
    "beyond every number": b"99999999999999999999999\n/x\n1\n5432\n/x\n\n1 1\nready\n",
    "negative": b"-7\n",
}


@pytest.mark.parametrize("content", PID_FILES.values(), ids=PID_FILES)
def test_record_that_a_killed_server_left_damaged_is_mended(stopped: Path, content: bytes) -> None:
    (stopped / "postgres" / "postmaster.pid").write_bytes(content)
    server = start_embedded(stopped)
    try:
        assert _answers(server.url)
    finally:
        server.stop()


def test_living_server_is_found_though_its_record_is_damaged(stopped: Path) -> None:
    """Another one must not be started beside it; it ends by itself within a minute."""
    server = start_embedded(stopped)
    record = server.folder / "postmaster.pid"
    try:
        with changed(record, "nonsense"):
            assert read_record(server.folder).pid is None
            assert is_served(server.folder)
        assert read_record(server.folder).address is not None
    finally:
        server.stop()
    assert not is_served(server.folder)


def test_socket_lock_with_a_number_that_was_given_away_is_stale(stopped: Path) -> None:
    server = start_embedded(stopped)
    kill(server)
    somebody = subprocess.Popen(["cat"], stdin=subprocess.PIPE, **server_owner())
    lock = server.folder / ".s.PGSQL.5432.lock"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(somebody.pid), *lines[1:]]) + "\n")
    try:
        assert server.restart()
        assert _answers(server.url)
    finally:
        somebody.communicate()
        server.stop()


@pytest.mark.parametrize("name", ["data", "long" * 40])
def test_killed_server_is_started_again_where_it_was(name: str) -> None:
    """Also where its socket is elsewhere, in a folder of a random name."""
    with tempfile.TemporaryDirectory(prefix="face-test-", ignore_cleanup_errors=True) as folder:
        server = start_embedded(Path(folder) / name)
        sockets = _socket_folder(server)
        kill(server)
        assert not is_served(server.folder)
        assert server.restart()
        assert is_served(server.folder)
        assert _socket_folder(server) == sockets
        assert _answers(server.url)
        server.stop()
        assert server.runs  # nobody's business any more
        assert not is_served(server.folder)


def test_living_server_that_takes_no_connection_is_told_and_left_alone(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_embedded(stopped)
    postmaster = psutil.Process(_postmaster(server))
    postmaster.suspend()
    monkeypatch.setattr(embedded, "START_SECONDS", 1)
    monkeypatch.setattr(embedded_server, "CONNECT_SECONDS", 1)
    try:
        values = {"path": server.folder, "seconds": 1}
        assert refusal(stopped) == Diagnosis(Cause.SERVER_SILENT, values)
        assert read_record(server.folder).pid == postmaster.pid
    finally:
        postmaster.resume()
        monkeypatch.undo()
    assert _answers(server.url)
    server.stop()


def test_who_hangs_in_a_start_is_told_and_not_waited_for_without_end(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with one_at_a_time(path), pytest.raises(DatabaseUnavailable) as caught, one_at_a_time(path, 0):
        pass
    assert caught.value.diagnosis == Diagnosis(Cause.FOLDER_IN_USE, {"path": path, "seconds": 0})


def test_database_of_another_version_is_told_and_left_alone(stopped: Path) -> None:
    with changed(stopped / "postgres" / "PG_VERSION", "17\n"):
        before = contents(stopped / "postgres")
        values = {"path": stopped.resolve() / "postgres", "found": "17", "version": 18}
        assert refusal(stopped) == Diagnosis(Cause.FOLDER_OF_ANOTHER_VERSION, values)
        assert contents(stopped / "postgres") == before


@pytest.mark.parametrize("version", ["", "eighteen", None])
def test_folder_that_holds_something_else_is_told_and_left_alone(
    stopped: Path, version: str | None
) -> None:
    file = stopped / "postgres" / "PG_VERSION"
    with changed(file, version or ""):
        if version is None:
            file.unlink()
        before = contents(stopped / "postgres")
        assert refusal(stopped).cause is Cause.FOLDER_IS_NO_DATABASE
        assert contents(stopped / "postgres") == before


@root_only
def test_database_of_another_user_is_told_and_not_taken_over(stopped: Path) -> None:
    """As when root starts what an ordinary user made: taken over, it would not start for them."""
    file, owner = stopped / "postgres" / "PG_VERSION", server_owner()
    os.chown(file, NOBODY, NOBODY)
    before = contents(stopped / "postgres")
    try:
        diagnosis = refusal(stopped)
        assert contents(stopped / "postgres") == before
    finally:
        os.chown(file, owner["user"], owner["group"])
    assert diagnosis.cause is Cause.FOLDER_OF_ANOTHER_USER
    assert diagnosis.values["owner"] == user_name(NOBODY)
    assert diagnosis.values["user"] == user_name(owner["user"])


@root_only
def test_folder_that_is_closed_to_this_user_is_told(stopped: Path) -> None:
    stopped.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-c", START, str(stopped)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == f"folder_closed {user_name(NOBODY)}\n"


@linux_root_only
def test_disk_that_is_too_small_for_a_database_is_told_before_one_is_made() -> None:
    with disk(SMALL_DISK) as folder:
        assert refusal(folder / "data").cause is Cause.DISK_FULL
        assert not list((folder / "data").glob("postgres*/*"))


@linux_root_only
@pytest.mark.parametrize(("size", "made"), [(TINY_DISK, False), (SMALL_DISK, True)])
def test_disk_that_is_full_midway_is_told(
    monkeypatch: pytest.MonkeyPatch, size: str, made: bool
) -> None:
    """While the database is made, of which nothing is left then, or at its first start."""
    monkeypatch.setattr(server_folder, "ROOM_BYTES", 0)
    monkeypatch.setattr(embedded, "_START_ATTEMPTS", 1)
    with disk(size) as folder:
        assert refusal(folder / "data").cause is Cause.DISK_FULL
        assert not (folder / "data" / "postgres.new").exists()
        assert (folder / "data" / "postgres").exists() is made
        assert not is_served(folder / "data" / "postgres")


@linux_root_only
def test_disk_that_cannot_be_written_is_told() -> None:
    with disk(SMALL_DISK) as folder:
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        diagnosis = refusal(folder / "data")
        assert diagnosis.cause is Cause.FOLDER_READ_ONLY
        assert str(diagnosis.values["path"]) == str(folder / "data")


def test_what_the_server_itself_refuses_is_told_in_its_words(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_START_ATTEMPTS", 1)
    with changed(stopped / "postgres" / "pg_hba.conf", "nonsense\n"):
        diagnosis = refusal(stopped)
    assert diagnosis.cause is Cause.PROGRAM_FAILED
    assert "pg_hba.conf" in str(diagnosis.values["said"])


def test_database_is_served_as_before_after_all_that(stopped: Path) -> None:
    server = EmbeddedServer(stopped)
    server.start()
    assert _answers(server.url)
    server.stop()
