"""The systemd units: accepted by systemd's own checks, and held to the service."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.environment import ROOT
from service.cli.context import WRONG_USE
from service.cli.uvicorn_server import GRACE_SECONDS
from service.config import AppConfig, setting_names
from tests.docs.test_printed_flags import mistakes

FOLDER = ROOT / "deploy" / "systemd"
SERVICES = ("face.service", "face-backup.service", "face-migrate.service")
PROGRAM = "/opt/face/bin/face"
MOST_EXPOSURE = 15
"""Tenths of a point of ten; systemd calls up to 20 `OK`."""

DESCRIPTORS_BESIDE_CONNECTIONS = 600
"""docs/operations.md: what the start asks for."""

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="no systemd-analyze here: the units are only read"
)


def values(name: str, key: str) -> list[str]:
    """All that the unit `name` sets `key` to."""
    text = (FOLDER / name).read_text("utf-8")
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


def _analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)


def _verified(folder: Path) -> str:
    """What systemd finds wrong with the units, with a program that there is."""
    for unit in FOLDER.glob("*.*"):
        text = unit.read_text("utf-8").replace(PROGRAM, "/bin/true")
        (folder / unit.name).write_text(text, "utf-8")
    units = [str(path) for path in folder.iterdir()]
    return _analyzed("verify", "--man=no", "--generators=no", *units).stderr


@needs_systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    found = _verified(tmp_path)
    assert [line for line in found.splitlines() if str(tmp_path) in line] == []


@needs_systemd
def test_misspelled_directive_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "wrong.service").write_text("[Service]\nExecStart=/bin/true\nProtectHom=yes\n")
    assert "ProtectHom" in _verified(tmp_path)


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_unit_can_do_little_beside_its_work(name: str) -> None:
    limit = f"--threshold={MOST_EXPOSURE}"
    judged = _analyzed("security", "--offline=true", "--no-pager", limit, str(FOLDER / name))
    assert judged.returncode == 0, judged.stdout


def test_services_are_confined_in_the_same_way() -> None:
    def confinement(name: str) -> str:
        text = (FOLDER / name).read_text("utf-8")
        return text[text.index("\nUMask=") : text.index("\nSystemCallErrorNumber=")]

    assert len({confinement(name) for name in SERVICES}) == 1
    assert len(confinement(SERVICES[0]).splitlines()) > 20


@pytest.mark.parametrize("name", SERVICES)
def test_settings_are_settings(name: str) -> None:
    named = {line.partition("=")[0] for line in values(name, "Environment")}
    assert named <= setting_names()
    assert {"FACE_MASTER_KEY_FILE", "FACE_DATABASE_PASSWORD_FILE"} <= named


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_credentials_and_no_variables(name: str) -> None:
    loaded = {line.partition(":")[0] for line in values(name, "LoadCredential")}
    given = dict(line.split("=", 1) for line in values(name, "Environment"))
    assert {f"%d/{each}" for each in loaded} == {
        given["FACE_MASTER_KEY_FILE"],
        given["FACE_DATABASE_PASSWORD_FILE"],
    }
    assert values(name, "User") == ["face"]


@pytest.mark.parametrize("name", SERVICES)
def test_command_is_one_of_the_service(name: str) -> None:
    (line,) = values(name, "ExecStart")
    found = re.search(rf"{PROGRAM} ([a-z-]+)", line)
    assert found is not None
    assert mistakes([found[1]]) == []


def test_service_has_the_files_and_the_time_that_it_needs() -> None:
    connections = AppConfig.model_fields["max_connections"].default
    (files,) = values("face.service", "LimitNOFILE")
    assert int(files) >= connections + DESCRIPTORS_BESIDE_CONNECTIONS
    (seconds,) = values("face.service", "TimeoutStopSec")
    assert int(seconds) > GRACE_SECONDS


def test_only_wrong_settings_are_not_tried_again() -> None:
    assert values("face.service", "Restart") == ["on-failure"]
    assert values("face.service", "RestartPreventExitStatus") == [str(WRONG_USE)]


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell script")
def test_one_command_has_the_services_settings_and_secrets(tmp_path: Path) -> None:
    asked = tmp_path / "systemd-run"
    asked.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    asked.chmod(0o755)
    told = subprocess.run(
        [str(FOLDER / "face-command"), "enroll", "kim 1", "a b.jpg"],
        env={"PATH": f"{tmp_path}:/bin:/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert told[-4:] == [PROGRAM, "enroll", "kim 1", "a b.jpg"]
    (unit,) = [line.partition("=")[2] for line in told if line.startswith("--unit=")]
    of_unit = values("face.service", "EnvironmentFile") + values("face.service", "LoadCredential")
    assert {line.partition("=")[2].partition("=")[2] for line in told if "/etc/face/" in line} == {
        *of_unit
    }
    given = dict(line.split("=", 2)[1:] for line in told if line.startswith("--setenv="))
    places = {"%d": f"/run/credentials/{unit}.service", "%S": "/var/lib"}
    for line in values("face.service", "Environment"):
        name, value = line.split("=", 1)
        if name in given:
            assert given[name] == places[value[:2]] + value[2:]
    assert given.keys() <= setting_names()


def test_page_names_what_the_units_read() -> None:
    page = (ROOT / "docs" / "systemd.md").read_text("utf-8")
    for name in SERVICES:
        read = [*values(name, "EnvironmentFile"), *values(name, "LoadCredential")]
        for path in read:
            assert f"`{path.rpartition('/')[2]}`" in page
