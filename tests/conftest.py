"""Where the real model and the real photographs are, and what to do without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import service  # noqa: F401 - before tests import what would send usage data
from tests.missing import missing

# Before NumPy is loaded, here and in the processes that tests start: several at once, each with a
# thread of OpenBLAS for every core, wait for each other much longer than one thread computes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The command line speaks the terminal's language, and the tests read it in any.
os.environ["LC_ALL"] = "C.UTF-8"

pytest_plugins = ["tests.postgres"]

SHARED = Path(os.environ.get("FACE_TEST_SHARED", Path(__file__).parents[2] / "shared"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", type=Path, help="folder in which tests of the pages leave what they saw"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is slow begins first: begun last, it would run when the other process has nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def _required(path: Path) -> Path:
    """`path`, or a skipped test that says so; in CI its absence is a failure."""
    if not path.exists():
        missing(f"{path} is missing: tests with real models and photographs need it")
    return path


@pytest.fixture(scope="session")
def model_root() -> Path:
    """A folder in InsightFace's layout that holds the small real pack `mobile_s`."""
    return _required(SHARED / "insightface")


@pytest.fixture(scope="session")
def cases() -> Path:
    """Small inputs that came out wrong; their README says what is right."""
    return _required(SHARED / "cases")


@pytest.fixture(scope="session")
def people() -> dict[str, list[Path]]:
    """Eight people by name, five photographs each, in order."""
    root = _required(SHARED / "photos" / "people")
    return {folder.name: sorted(folder.glob("*.png")) for folder in sorted(root.iterdir())}


@pytest.fixture(scope="session")
def scenes() -> list[Path]:
    """Photographs with three to six people each."""
    return sorted(_required(SHARED / "photos" / "scenes").glob("*.jpg"))


@pytest.fixture(scope="session")
def orl() -> dict[str, list[Path]]:
    """Forty people by name, ten grey photographs each, in order."""
    root = _required(SHARED / "photos" / "orl")
    return {folder.name: sorted(folder.glob("*.png")) for folder in sorted(root.iterdir())}


@pytest.fixture(scope="session")
def yunet_file() -> Path:
    """The real detector of the engine `sface`."""
    return _required(SHARED / "yunet" / "face_detection_yunet_2023mar.onnx")


@pytest.fixture(scope="session")
def liveness_models() -> Path:
    """The two passive liveness models; `samples/` has a person, T1, and attacks, F1 and F2."""
    return _required(SHARED / "liveness")
