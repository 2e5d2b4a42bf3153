"""Every command, wherever it fails: a sentence and a status that is no "no"."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

import service.cli
from service.cli.exit_status import INTERRUPTED, exit_status
from tests.cli.commands import (
    BEFORE_THE_DATABASE,
    WITHOUT_DATABASE,
    closed_pipe,
    commands,
    is_told,
    run_here,
    settings,
    walked,
)
from tests.cli.face import SECONDS, Face
from tests.postgres import TestServer

ALL = sorted(walked() - {("server",)})
ASKING = [words for words in ALL if words not in WITHOUT_DATABASE | BEFORE_THE_DATABASE]
Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

every_command = pytest.mark.parametrize("words", ALL, ids=" ".join)
every_asking_command = pytest.mark.parametrize("words", ASKING, ids=" ".join)


@pytest.fixture(scope="module")
def nobody(postgres_server: TestServer, migrated_template: str) -> Iterator[str]:
    """The URL of a migrated database for a role that was granted nothing."""
    url, role = postgres_server.create(migrated_template), f"face_test_{uuid4().hex}"
    postgres_server.run(f"CREATE ROLE {role} LOGIN")
    yield make_url(url).set(username=role).render_as_string(hide_password=False)
    postgres_server.drop(url)
    postgres_server.run(f"DROP ROLE {role}")


def test_no_command_is_left_out(tmp_path: Path) -> None:
    assert {*commands(tmp_path), ("server",)} == walked()


@every_asking_command
def test_role_without_rights_is_named(
    words: tuple[str, ...], nobody: str, tmp_path: Path, monkeypatch: Patch, capfd: Capture
) -> None:
    settings(monkeypatch, tmp_path, database_url=nobody)
    outcome = run_here(words, commands(tmp_path)[words], capfd)
    assert outcome.status == 3, outcome
    assert is_told(outcome)
    told = outcome.out + outcome.err
    assert "database role lacks a right" in told or "run this as" in told.lower(), told


@every_asking_command
def test_stopped_database_is_named(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: Patch, capfd: Capture
) -> None:
    settings(monkeypatch, tmp_path, database_url="postgresql://face@127.0.0.1:1/face")
    outcome = run_here(words, commands(tmp_path)[words], capfd)
    assert outcome.status == 3, outcome
    assert is_told(outcome)
    assert "Nobody listens at 127.0.0.1:1." in outcome.out + outcome.err


@every_asking_command
def test_data_folder_that_cannot_be_used_is_named(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: Patch, capfd: Capture
) -> None:
    (tmp_path / "file").touch()
    settings(monkeypatch, tmp_path, data_dir=tmp_path / "file" / "data")
    outcome = run_here(words, commands(tmp_path)[words], capfd)
    assert outcome.status == 3, outcome
    assert is_told(outcome)
    assert str(tmp_path / "file") in outcome.out + outcome.err


@every_command
def test_answer_that_nobody_reads_is_no_no(
    words: tuple[str, ...],
    database_url: str,
    tmp_path: Path,
    monkeypatch: Patch,
    capfd: Capture,
) -> None:
    settings(monkeypatch, tmp_path, database_url=database_url)
    monkeypatch.setattr(sys, "stdout", closed_pipe())
    outcome = run_here(words, commands(tmp_path)[words], capfd)
    assert outcome.status in {0, 3}, outcome
    assert is_told(outcome)


@pytest.fixture
def interrupting() -> Iterator[str]:
    """The URL of a database that answers by Ctrl-C."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_interrupt, args=(listener,), daemon=True).start()
        yield f"postgresql://face@127.0.0.1:{listener.getsockname()[1]}/face"


def _interrupt(listener: socket.socket) -> None:
    with suppress(OSError):
        client, _ = listener.accept()
        with client:
            client.recv(8)
            os.kill(os.getpid(), signal.SIGINT)
            client.recv(8)


@every_asking_command
def test_ctrl_c_is_no_no(
    words: tuple[str, ...], interrupting: str, tmp_path: Path, monkeypatch: Patch, capfd: Capture
) -> None:
    settings(monkeypatch, tmp_path, database_url=interrupting)
    outcome = run_here(words, commands(tmp_path)[words], capfd)
    assert outcome.status == INTERRUPTED, outcome
    assert is_told(outcome)


def test_match_that_nobody_reads_is_not_told_by_the_status(
    gallery_face: Face, people: dict[str, list[Path]]
) -> None:
    first, second = people["amy"][:2]
    assert gallery_face("enroll", "amy", first).status == 0
    with gallery_face.start("verify", "amy", second) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert (process.returncode, "Traceback" in said, "Exception ignored" in said) == (
        3,
        False,
        False,
    )


def test_streams_that_are_closed_take_nothing_from_the_command(bare_gallery: Face) -> None:
    script = f'"{sys.executable}" -m service apikey list >&- 2>&-'
    done = subprocess.run(
        ["sh", "-c", script], env=bare_gallery.environment(), timeout=SECONDS, check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("failing", "status"),
    [
        (ZeroDivisionError("secret"), 3),
        (SystemExit(1), 3),
        (SystemExit("secret"), 3),
        (SystemExit(0), 0),
        (SystemExit(143), 143),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 3),
        (BrokenPipeError(), 3),
        (UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret"), 3),
    ],
    ids=repr,
)
def test_what_nobody_foresaw_is_never_a_no(
    failing: BaseException, status: int, capfd: Capture
) -> None:
    def fail() -> None:
        raise failing

    assert exit_status(fail) == status
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "secret" not in said
    assert ".env" not in said


@pytest.mark.parametrize(
    ("failing", "status"), [(KeyboardInterrupt, 130), (ImportError("libGL.so.1"), 3)]
)
def test_installation_that_does_not_load_is_a_sentence(
    failing: BaseException | type[BaseException], status: int, monkeypatch: Patch, capfd: Capture
) -> None:
    class Failing:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "service.cli.app":
                raise failing

    monkeypatch.delitem(sys.modules, "service.cli.app")
    monkeypatch.setattr(sys, "meta_path", [Failing(), *sys.meta_path])
    with pytest.raises(SystemExit) as left:
        service.cli.main()
    assert left.value.code == status
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert ("libGL.so.1" in said) == (status == 3)
