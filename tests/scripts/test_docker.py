"""The Docker files. Nothing is built or started here: that needs a daemon and the registries."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from scripts.environment import ROOT
from service.config import setting_names

FILES = ("docker-compose.yml", "docker-compose.cuda.yml")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / FILES[0]).read_text("utf-8"))
    return parsed


def _compose_command() -> list[str]:
    """`docker compose`, or the older `docker-compose`; skips where neither is installed."""
    for command in (["docker", "compose"], ["docker-compose"]):
        found = shutil.which(command[0])
        if found and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    pytest.skip("no docker compose here: the files are only parsed")


@pytest.mark.parametrize("files", [FILES[:1], FILES])
def test_compose_accepts_the_files(files: tuple[str, ...]) -> None:
    arguments = [part for file in files for part in ("-f", file)]
    done = subprocess.run(
        [*_compose_command(), *arguments, "config", "-q"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["database", "migrate", "service"])
def test_every_container_runs_without_privileges(compose: dict[str, Any], name: str) -> None:
    container = compose["services"][name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in container["tmpfs"]


def test_only_the_service_is_reached_and_only_from_this_machine(compose: dict[str, Any]) -> None:
    ports = {name: each.get("ports") for name, each in compose["services"].items()}
    assert ports == {"database": None, "migrate": None, "service": ["127.0.0.1:23535:23535"]}


def test_no_secret_is_in_the_environment(compose: dict[str, Any]) -> None:
    for container in compose["services"].values():
        for name, value in container["environment"].items():
            if "PASSWORD" in name or "KEY" in name:
                assert value.startswith("/run/secrets/")
    assert compose["services"]["service"]["environment"]["FACE_DATABASE_URL"].count(":") == 1


@pytest.mark.parametrize("name", [*FILES, "Dockerfile", "Dockerfile.cuda", "docker/healthy.py"])
def test_settings_are_settings(name: str) -> None:
    named = set(re.findall(r"\bFACE_[A-Z_]+[A-Z]\b", (ROOT / name).read_text("utf-8")))
    assert named
    assert named <= setting_names()


def test_the_service_waits_for_the_migration(compose: dict[str, Any]) -> None:
    waits = compose["services"]["service"]["depends_on"]
    assert waits["migrate"]["condition"] == "service_completed_successfully"
    assert waits["database"]["condition"] == "service_healthy"


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_images_run_as_a_user_and_install_from_the_lock(name: str) -> None:
    lines = (ROOT / name).read_text("utf-8")
    assert "\nUSER face\n" in lines
    assert lines.count("-c requirements.lock") == lines.count("pip install")
    assert "ENTRYPOINT" not in lines  # `docker compose exec` would not pass through it
