"""What `docker compose exec service …` runs, run here: with the container's environment, secrets and user.

No engine is needed for that: nothing stands between the environment and the command.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.environment import ROOT
from tests.own_server import OwnServer, own_server

COMPOSE_FILE = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_FILE)
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")

EXEC = "docker compose exec service "
USER = 10001
PASSWORD = "a:b\\c/d"
SECONDS = 300

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the containers are Linux")


def _containers_user() -> dict[str, Any]:
    """For `subprocess.run`; nobody else than now where that user may not run this Python."""
    user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-c", "import service"], check=True, cwd=ROOT, **user)
    except (OSError, subprocess.SubprocessError):
        return {}
    return user


@pytest.fixture(scope="module")
def database() -> Iterator[OwnServer]:
    rule = "host face face 127.0.0.1/32 scram-sha-256"
    with own_server([rule]) as server:
        quoted = PASSWORD.replace("'", "''")
        server.run(
            f"CREATE ROLE face LOGIN SUPERUSER PASSWORD '{quoted}'",
            "CREATE DATABASE face OWNER face",
        )
        yield server


@pytest.fixture(scope="module")
def container(database: OwnServer) -> Iterator[Container]:
    folder = Path(tempfile.mkdtemp(prefix="face-container-"))
    yield Container(folder, database.port)
    shutil.rmtree(folder)


class Container:
    """`folder` stands for `/`: its secrets are the host's, of mode 0444, and the rest is the user's."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port, self._user = folder, port, _containers_user()
        folder.chmod(0o755)
        for name in ("models", "backups"):
            (folder / name).mkdir(mode=0o700)
            if self._user:
                os.chown(folder / name, USER, USER)
        secrets = folder / "run" / "secrets"
        secrets.mkdir(parents=True)
        (secrets / "database_password").write_text(f"{PASSWORD}\n")
        (secrets / "master_key").write_text("A" * 43 + "=\n")
        for secret in secrets.iterdir():
            secret.chmod(0o444)

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """One command of `face`, as user 10001 where that can be."""
        words = [self._inside(word) for word in shlex.split(line)]
        assert words[0] == "face"
        return subprocess.run(
            [sys.executable, "-m", "service", *words[1:]],
            env=self._environment(),
            cwd=self._folder,
            **self._user,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def _environment(self) -> Mapping[str, str]:
        """The image's and Compose's; this checkout in the place of the installed package."""
        of_image = dict(re.findall(r"(FACE_\w+)=(\S+)", DOCKERFILE))
        given = {**of_image, **COMPOSE["services"]["service"]["environment"]}
        given = {name: self._inside(_default(value)) for name, value in given.items()}
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **given}

    def _inside(self, value: str) -> str:
        """The container's folders and its database, where they are here."""
        value = re.sub(r"^/(models|backups|data|run)\b", rf"{self._folder}/\1", value)
        return value.replace("@database/", f"@127.0.0.1:{self._port}/")


def _default(value: str) -> str:
    """Of `${NAME:-default}`."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def printed_commands() -> list[str]:
    """What the head of the file says to run in the service's container."""
    return re.findall(rf"^#\s+{EXEC}(.+)$", COMPOSE_FILE, re.MULTILINE)


def test_lines_as_printed_do_their_work_without_an_entrypoint(container: Container) -> None:
    migration = container.run(" ".join(COMPOSE["services"]["migrate"]["command"]))
    assert migration.returncode == 0, migration.stderr
    assert len(printed_commands()) == 2
    for line in printed_commands():
        done = container.run(line)
        assert done.returncode == 0, done.stderr
    assert "database     ok" in container.run("face doctor").stdout


def test_password_stands_in_no_argument_and_in_no_variable() -> None:
    assert PASSWORD not in str(COMPOSE)
    for container in ("migrate", "service"):
        assert COMPOSE["services"][container]["secrets"] == ["database_password", "master_key"]


def test_volumes_belong_to_the_user_of_the_image() -> None:
    folders = {volume.partition(":")[2] for volume in COMPOSE["services"]["service"]["volumes"]}
    made = re.search(r"install -d -o face -m 700 (.+)", DOCKERFILE)
    assert made is not None
    assert folders <= set(made[1].split())
    assert f"--uid {USER}" in DOCKERFILE
