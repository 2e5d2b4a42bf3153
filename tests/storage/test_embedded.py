"""The embedded server: on odd paths, for any user, shared by processes, after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from service.domain.errors import DatabaseUnavailable
from service.storage import embedded_server as embedded
from service.storage.embedded_server import EmbeddedServer, start_embedded
from service.storage.engine import single_use_engine

NOBODY, SOMEBODY_ELSE = 65534, 65533
ROOT = Path(__file__).parents[2]

BECOME = """
def become(user):
    if user:  # after the imports: root's Python may be in a folder that is closed to others
        import os
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
"""

USE_IT = f"""
import sys
from pathlib import Path
from sqlalchemy import text
from service.storage.engine import single_use_engine
from service.storage.embedded_server import start_embedded
from service.storage.embedded_programs import programs
{BECOME}
programs()
become(int(sys.argv[2]))
server = start_embedded(Path(sys.argv[1]))
with single_use_engine(server.url).connect() as connection:
    print(connection.scalar(text("SELECT version()")), flush=True)
sys.stdin.read()
"""
"""Starts the server, says so, and ends when its input does."""

CONNECT = f"""
import sys, psycopg
{BECOME}
become(int(sys.argv[2]))
psycopg.connect(host=sys.argv[1], port=5432, user="postgres")
"""

root_only = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="needs root, to become other users"
)


def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="face-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "data"


new_data_dir = pytest.fixture(_folder, name="new_data_dir")
"""A folder that is not there yet."""

data_dir = pytest.fixture(_folder, name="data_dir", scope="module")
"""The same for all tests here, so that the database in it is made once; its server is stopped."""


def _answers(url: str) -> bool:
    with single_use_engine(url).connect() as connection:
        return bool(connection.scalar(text("SELECT 1")) == 1)


def _postmaster(server: EmbeddedServer) -> int:
    return int((server.folder / "postmaster.pid").read_text().splitlines()[0])


def _runs(server: EmbeddedServer) -> bool:
    return (server.folder / "postmaster.pid").exists()


def _socket_folder(server: EmbeddedServer) -> Path:
    return Path((server.folder / "postmaster.pid").read_text().splitlines()[4])


def _user_process(data_dir: Path, user: int = 0) -> subprocess.Popen[str]:
    """Another process that uses the server; returned once it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE_IT, str(data_dir), str(user)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("PostgreSQL"), "it did not start"
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate("")
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["한글 'a'", "50% $HOME`"])
def test_any_folder_will_do(new_data_dir: Path, name: str) -> None:
    server = start_embedded(new_data_dir / name)
    try:
        assert _answers(server.url)
        assert _socket_folder(server) == server.folder
    finally:
        server.stop()
    assert not _runs(server)


@pytest.mark.parametrize("name", ["long" * 40, 'two,hosts:1"'])
def test_socket_is_elsewhere_where_the_folder_is_no_address(new_data_dir: Path, name: str) -> None:
    server = start_embedded(new_data_dir / name)
    elsewhere = _socket_folder(server)
    try:
        assert _answers(server.url)
        assert elsewhere.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
    assert not elsewhere.exists()


def test_data_outlives_the_server(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    with single_use_engine(server.url).begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS kept ()"))
    server.stop()
    server.start()
    with single_use_engine(server.url).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept")) == 0
    server.stop()


def test_server_starts_again_after_a_crash(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    os.kill(_postmaster(server), signal.SIGKILL)
    again = start_embedded(data_dir)
    assert _answers(again.url)
    server.stop()
    again.stop()
    assert not _runs(again)


def test_process_id_that_was_given_away_is_no_server(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    lines = (server.folder / "postmaster.pid").read_text().splitlines()
    server.stop()
    (server.folder / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]))
    server.start()
    assert _answers(server.url)
    server.stop()


def test_interrupted_making_is_started_over(new_data_dir: Path) -> None:
    (new_data_dir / "postgres.new").mkdir(parents=True)
    (new_data_dir / "postgres.new" / "PG_VERSION").write_text("18")
    server = start_embedded(new_data_dir)
    assert _answers(server.url)
    server.stop()


def test_last_one_out_stops_the_server(data_dir: Path) -> None:
    first, second = start_embedded(data_dir), start_embedded(data_dir)
    assert first.url == second.url
    first.stop()
    first.stop()
    assert _runs(second)
    second.stop()
    assert not _runs(second)


def test_those_who_start_at_once_share_one_server(new_data_dir: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(start_embedded, [new_data_dir] * 4))
    assert len({_postmaster(server) for server in servers}) == 1
    for server in servers:
        server.stop()
    assert not _runs(servers[0])


def test_another_process_keeps_the_server_up(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    other = _user_process(data_dir)
    server.stop()
    assert _runs(server)
    _end(other)
    assert not _runs(server)


def test_killed_process_does_not_count(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    other = _user_process(data_dir)
    other.kill()
    other.communicate()
    server.stop()
    assert not _runs(server)


def test_start_that_fails_says_unavailable(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_embedded(data_dir).stop()
    monkeypatch.setattr(embedded, "_START_ATTEMPTS", 1)
    rules = data_dir / "postgres" / "pg_hba.conf"
    good = rules.read_text()
    rules.write_text("nonsense")
    with pytest.raises(DatabaseUnavailable):
        start_embedded(data_dir)
    rules.write_text(good)


def test_environment_of_other_servers_is_ignored(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    server = start_embedded(data_dir)
    assert _answers(server.url)
    server.stop()


@root_only
def test_root_and_an_ordinary_user_each_have_one(data_dir: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="face-test-") as folder:
        Path(folder).chmod(0o700)
        os.chown(folder, NOBODY, NOBODY)
        server = start_embedded(data_dir)
        other = _user_process(Path(folder) / "데이터", NOBODY)
        owner = (Path(folder) / "데이터" / "postgres").stat().st_uid
        _end(other)
        server.stop()
    assert owner == NOBODY


@root_only
@pytest.mark.parametrize("name", ["data", "long" * 40])
def test_other_users_of_the_machine_cannot_connect(new_data_dir: Path, name: str) -> None:
    """Not even where somebody has opened all the folders to them."""
    server = start_embedded(new_data_dir / name)
    _open_to_all(new_data_dir / name)
    host = _socket_folder(server)
    host.chmod(0o755)
    outcome = subprocess.run(
        [sys.executable, "-c", CONNECT, host, str(SOMEBODY_ELSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    server.stop()
    assert "Permission denied" in outcome.stderr


def _open_to_all(folder: Path) -> None:
    for level in (folder, folder.parent, folder.parent.parent):
        level.chmod(0o755)


@root_only
def test_folders_above_can_be_passed_but_not_listed(new_data_dir: Path) -> None:
    new_data_dir.mkdir(mode=0o700)
    server = start_embedded(new_data_dir)
    server.stop()
    assert new_data_dir.stat().st_mode & 0o777 == 0o701
    assert server.folder.stat().st_mode & 0o777 == 0o700


@root_only
def test_server_does_not_run_as_root(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    process = psutil.Process(_postmaster(server))
    user, groups = process.uids().effective, process.gids().effective
    server.stop()
    assert user != 0
    assert groups != 0
