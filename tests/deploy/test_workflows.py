"""The workflows: as GitHub takes them, with nothing that somebody else can exchange, and what they build."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from scripts.environment import ROOT

FOLDER = ROOT / ".github" / "workflows"
NAMES = sorted(path.name for path in FOLDER.glob("*.yml"))


def workflow(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    return parsed


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def _checked(schema: str, *files: Path) -> Result:
    return CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", schema, *map(str, files)])


def test_workflows_are_as_github_takes_them() -> None:
    checked = _checked("vendor.github-workflows", *(FOLDER / name for name in NAMES))
    assert checked.exit_code == 0, checked.output


def test_misspelled_key_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text((FOLDER / "ci.yml").read_text("utf-8").replace("runs-on", "run-on"), "utf-8")
    assert _checked("vendor.github-workflows", wrong).exit_code == 1


def test_compose_files_are_as_compose_takes_them() -> None:
    files = (ROOT / "docker-compose.yml", ROOT / "docker-compose.cuda.yml")
    checked = _checked("vendor.compose-spec", *files)
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_named_by_commit_and_say_their_version(name: str) -> None:
    used = re.findall(r"uses: (.+)$", (FOLDER / name).read_text("utf-8"), re.MULTILINE)
    assert used
    for each in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_an_action_is_one_commit_everywhere() -> None:
    used = {step["uses"] for name in NAMES for step in steps(name) if "uses" in step}
    assert len(used) == len({each.partition("@")[0] for each in used})


@pytest.mark.skipif(sys.platform == "win32", reason="the steps are for a POSIX shell")
@pytest.mark.parametrize("name", NAMES)
def test_shell_of_the_steps_is_well_formed(name: str) -> None:
    for step in steps(name):
        if "run" in step:
            subprocess.run(["bash", "-n", "-c", step["run"]], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_shell_of_the_steps_holds_nothing_that_a_name_could_alter(name: str) -> None:
    """`${{ github.ref_name }}` would be pasted into the script before the shell reads it."""
    for step in steps(name):
        assert "${{" not in step.get("run", "") or "matrix." in step["run"]


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_do_nothing_that_no_job_asks_for(name: str) -> None:
    given = workflow(name)["permissions"]
    assert given in ({}, {"contents": "read"})
    for job in workflow(name)["jobs"].values():
        assert "timeout-minutes" in job
        assert given or "permissions" in job


def test_what_is_checked_comes_first_and_what_is_published_last() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert jobs["package"]["needs"] == jobs["images"]["needs"] == "checks"
    assert jobs["release"]["needs"] == ["package", "images"]
    assert jobs["package"]["permissions"] == {"contents": "read"}  # it runs others' code


def test_bill_of_materials_is_attested_under_the_name_that_it_has() -> None:
    text = (FOLDER / "release.yml").read_text("utf-8")
    assert "dist/face-$GITHUB_REF_NAME.cdx.json" in text
    assert "dist/face-${{ github.ref_name }}.cdx.json" in text


def test_what_the_pages_looked_like_is_kept() -> None:
    (job,) = workflow("ci.yml")["jobs"].values()
    (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    (checks,) = [step["run"] for step in job["steps"] if "run" in step]
    assert checks.endswith(f"--pictures {upload['with']['path'].rstrip('/')}")
    assert upload["if"] == "always()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


def test_wheel_holds_all_that_the_service_reads(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "service"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert set(tracked) <= held
    assert {"service/migrations/env.py", "service/migrations/versions/0001_first.py"} <= held
    assert {name.partition("/")[0] for name in held if ".dist-info" not in name} == {"service"}
