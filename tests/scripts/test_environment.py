"""What is installed into `.venv`, told from files alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scripts.environment import Environment, EnvironmentFailed, chosen_runtime, run


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def _pretend(environment: Environment, *distributions: str) -> None:
    for distribution in distributions:
        folder = environment.folder / "lib" / "python3.11" / "site-packages"
        (folder / f"{distribution}-1.30.0.dist-info").mkdir(parents=True)


def test_names_the_runtimes_that_are_installed(environment: Environment) -> None:
    _pretend(environment, "onnxruntime", "onnxruntime_gpu", "onnx")
    assert environment.installed_runtimes() == {"onnxruntime", "onnxruntime-gpu"}


def test_keeps_the_runtime_that_was_asked_for_earlier() -> None:
    assert chosen_runtime({"onnxruntime", "onnxruntime-gpu"}) == "onnxruntime-gpu"


def test_takes_the_plain_runtime_where_nothing_else_was_asked_for() -> None:
    assert chosen_runtime({"onnxruntime"}) == "onnxruntime"
    assert chosen_runtime(set()) == "onnxruntime"


class Recorder(Environment):
    """Installs nothing, and remembers what pip would have been asked."""

    def make(self) -> None:
        self.folder.mkdir(exist_ok=True)

    def pip(self, command: str, *arguments: str | Path) -> None:
        asked = self.asked()
        (self.root / "asked.json").write_text(json.dumps([*asked, [command, *map(str, arguments)]]))

    def asked(self) -> list[list[str]]:
        path = self.root / "asked.json"
        return json.loads(path.read_text()) if path.exists() else []


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    (tmp_path / "requirements.lock").write_text("a==1\n")
    (tmp_path / "pyproject.toml").write_text('[project.optional-dependencies]\nx = ["a>=1"]\n')
    recorder = Recorder(tmp_path)
    _pretend(recorder, "onnxruntime")
    return recorder


def test_installs_once(recorder: Recorder) -> None:
    recorder.ensure()
    recorder.ensure()
    assert [asked[0] for asked in recorder.asked()] == ["install"]


def test_installs_a_new_extra_alone(recorder: Recorder) -> None:
    recorder.ensure()
    recorder.ensure(["x"])
    recorder.ensure(["x"])
    assert recorder.asked()[1:] == [
        ["install", "-c", str(recorder.root / "requirements.lock"), "a>=1"]
    ]


def test_installs_again_with_earlier_extras_when_the_lock_changes(recorder: Recorder) -> None:
    recorder.ensure(["x"])
    (recorder.root / "requirements.lock").write_text("a==2\n")
    recorder.ensure()
    assert recorder.asked()[-1][-1] == f"{recorder.root}[x]"


def test_leaves_one_runtime_for_the_device(recorder: Recorder) -> None:
    recorder.ensure(device="cuda")
    lock = str(recorder.root / "requirements.lock")
    assert recorder.asked()[1:] == [
        ["uninstall", "-y", "onnxruntime"],
        ["install", "--no-deps", "-c", lock, "onnxruntime-gpu"],
    ]


def test_a_failed_command_shows_the_end_of_what_it_said() -> None:
    with pytest.raises(EnvironmentFailed, match="the cause"):
        run(sys.executable, "-c", "import sys; sys.exit('the cause')")
