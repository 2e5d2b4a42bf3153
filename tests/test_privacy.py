"""Nothing leaves the machine: no connection to anywhere else, and no trace of who would have sent it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from service.privacy import USAGE_DATA_OFF
from tests.cli.face import MASTER_KEY
from tests.missing import missing

ROOT = Path(__file__).parents[1]

LIBRARY = """
    from service import AppConfig, generate_token_from_directory
    assert len(generate_token_from_directory({folder!r}, 2, AppConfig(use_gpu=False))) == 512
    """
COMMAND_LINE = """
    import runpy, sys
    sys.argv = ["face", "directory", "--path", {folder!r}, "--max-images", "2"]
    runpy.run_module("service", run_name="__main__")
    """
SEARCH = """
    from service.search.eight_bits import products
    products()
    """
SERVER = """
    import pathlib, re, subprocess, sys, httpx
    command = [sys.executable, "-m", "service", "server", "--port", "0", "--workers", "2", "--open-tokens"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        found = (re.search(r"running on (http://[0-9.:]+)", line) for line in server.stderr)
        here = next(match[1] for match in found if match)
        images = [("images", path.read_bytes()) for path in pathlib.Path({folder!r}).iterdir()]
        answer = httpx.post(here + "/token/images", files=images, timeout=60).json()
        assert len(answer["embedding"]) == 512, answer
    finally:
        server.terminate()
        server.communicate(timeout=60)
    """
WITHOUT_THE_VARIABLE = """
    import service, os
    del os.environ["ORT_DISABLE_TELEMETRY"]
    """
RAY = """
    import os
    from service.privacy import ray_environment
    with ray_environment(None):
        from service.bulk.ray_cluster import RayEmbedding
        with RayEmbedding(None, None, None):
            import ray
            asked = ray.remote(os.getenv).remote("RAY_USAGE_STATS_ENABLED")
            assert ray.get(asked) == "0"
    assert "http_proxy" not in os.environ
    """

CONNECTION = re.compile(
    r"sin6?_port=htons\((\d+)\).*?inet_(?:addr|pton)\((?:AF_INET6, )?\"([^\"]+)"
)
WILDCARD = re.compile(r"bind\(.*\"(?:::|0\.0\.0\.0)\"")
LOOPBACK = ("127.", "::1", "::ffff:127.")

SENDERS = ("onnxruntime", "insightface")

STRACE = shutil.which("strace")


class TracedProcess:
    """A Python in a process of its own with an empty home, whose connections are written down."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._home = folder / "home"
        self._home.mkdir()
        self._trace = folder / "trace"
        kept = ("PATH", "LANG", "OPENBLAS_NUM_THREADS", "LD_LIBRARY_PATH")
        self._environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": str(self._home),
            "PYTHONPATH": str(ROOT),
            **environment,
        }

    def run(self, script: str) -> None:
        """CI's own variables are not passed on: onnxruntime is quiet where it sees them."""
        watch = f"strace -f --seccomp-bpf -qq -e trace=network -o {self._trace}".split()
        command = [sys.executable, "-c", textwrap.dedent(script)]
        done = subprocess.run(
            [*(watch if STRACE else []), *command],
            env=self._environment,
            cwd=self._home,
            capture_output=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr.decode()

    @property
    def left_behind(self) -> list[str]:
        """Files in the home folder."""
        return sorted(str(path.relative_to(self._home)) for path in self._home.rglob("*"))

    @property
    def elsewhere(self) -> set[str]:
        """Addresses of other machines that were spoken to."""
        found = CONNECTION.findall(self._calls)
        return {to for port, to in found if int(port) and not to.startswith(LOOPBACK)}

    @property
    def is_open_to_others(self) -> bool:
        """Whether a port was opened on all of the machine's addresses."""
        return WILDCARD.search(self._calls) is not None

    @property
    def _calls(self) -> str:
        if STRACE is None:
            missing("strace is missing: without it nobody sees what native code connects to")
        return self._trace.read_text("utf-8", "replace")


@pytest.fixture
def watched(tmp_path: Path, model_root: Path) -> TracedProcess:
    return TracedProcess(
        tmp_path, {"FACE_MODEL_ROOT": str(model_root), "FACE_MODEL_NAME": "mobile_s"}
    )


@pytest.fixture
def folder(people: dict[str, list[Path]]) -> str:
    return str(people["amy"][0].parent)


@pytest.mark.parametrize("script", [LIBRARY, COMMAND_LINE, SEARCH])
def test_inference_speaks_to_nobody_and_leaves_nothing_in_the_home_folder(
    watched: TracedProcess, folder: str, script: str
) -> None:
    watched.run(script.format(folder=folder))
    assert not [name for name in watched.left_behind if "onnx" in name.lower()]
    assert watched.elsewhere == set()


def test_workers_of_a_server_speak_to_its_database_alone(
    tmp_path: Path, model_root: Path, folder: str, database_url: str
) -> None:
    settings = {
        "MODEL_ROOT": str(model_root),
        "MODEL_NAME": "mobile_s",
        "USE_GPU": "false",
        "DATABASE_URL": database_url,
        "MASTER_KEY": MASTER_KEY,
    }
    watched = TracedProcess(tmp_path, {f"FACE_{name}": value for name, value in settings.items()})
    watched.run(SERVER.format(folder=folder))
    assert watched.elsewhere == set()
    assert not [name for name in watched.left_behind if "onnx" in name.lower()]


def test_this_watch_sees_onnxruntime_where_the_variable_is_missing(watched: TracedProcess) -> None:
    watched.run(WITHOUT_THE_VARIABLE + SEARCH)  # not the others: InsightFace sets it as well
    assert [name for name in watched.left_behind if "onnxruntime" in name]


def test_ray_on_this_machine_keeps_to_it(watched: TracedProcess) -> None:
    """It asks cloud providers where it runs, and listens on every address, unless told otherwise."""
    pytest.importorskip("ray")
    watched.run(RAY)
    assert watched.elsewhere == set()
    assert not watched.is_open_to_others


def test_what_the_environment_says_is_overruled(tmp_path: Path) -> None:
    on = TracedProcess(tmp_path, {"ORT_DISABLE_TELEMETRY": "0", "RAY_USAGE_STATS_ENABLED": "1"})
    on.run(f"import service, os; assert {USAGE_DATA_OFF!r}.items() <= os.environ.items()")


def test_an_import_that_came_before_ours_is_warned_of(tmp_path: Path) -> None:
    late = TracedProcess(tmp_path, {"PYTHONWARNINGS": "error::RuntimeWarning"})
    with pytest.raises(AssertionError, match="imported before `service`"):
        late.run("import sys; sys.modules['onnxruntime'] = sys; import service")


def test_no_script_imports_onnxruntime_before_the_service() -> None:
    """Of the package itself import-linter sees to it, of tests `conftest.py`."""
    folders = ("scripts", "docker", "migrations")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 40
    assert [path for path in paths if _imports_onnxruntime_first(path)] == []


def _imports_onnxruntime_first(path: Path) -> bool:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    roots = [
        name.partition(".")[0]
        for node in sorted(imports, key=lambda node: node.lineno)
        for name in _modules(node)
    ]
    first = next((root for root in roots if root in ("service", *SENDERS)), None)
    return first in SENDERS


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]
