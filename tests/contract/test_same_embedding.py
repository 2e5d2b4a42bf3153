"""Every door makes the same numbers of the same photographs, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from service import AppConfig, generate_token_from_directory
from tests.contract.collection_client import files, ok
from tests.contract.installation import Installation


@pytest.fixture(scope="module")
def numbers(http: httpx.Client, people: dict[str, list[Path]]) -> list[float]:
    """The first person's, from the directory over HTTP."""
    folder = next(iter(people.values()))[0].parent
    body = {"dirPath": str(folder), "maxImages": 5}
    answer = ok(http.post("/token/directory", json=body))
    embedding: list[float] = answer["embedding"]
    return embedding


def test_uploads(http: httpx.Client, numbers: list[float], portraits: list[Path]) -> None:
    answer = ok(http.post("/token/images", files=files(portraits)))
    assert answer["embedding"] == numbers


def test_python(numbers: list[float], portraits: list[Path], model_root: Path) -> None:
    config = AppConfig(model_name="mobile_s", model_root=model_root, use_gpu=False)
    assert generate_token_from_directory(portraits[0].parent, 5, config) == numbers


def test_command_line(
    installation: Installation, numbers: list[float], portraits: list[Path]
) -> None:
    folder = portraits[0].parent
    run = installation.face("directory", "--path", str(folder), "--max-images", "5")
    assert json.loads(run.stdout) == numbers


def test_embedding_has_norm_one(numbers: list[float]) -> None:
    assert sum(number * number for number in numbers) == pytest.approx(1.0, abs=1e-6)
