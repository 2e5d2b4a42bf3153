"""`face compare`: one line, status 0 for one person and 1 for two."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACE_MODEL_NAME", "mobile_s")
    monkeypatch.setenv("FACE_LANGUAGE", "ko")
    return tmp_path


def write(name: str, cosine: float = 1.0, numbers: int = 512) -> str:
    """A unit vector with this cosine to every other one written with cosine 1."""
    vector = np.zeros(numbers)
    vector[0], vector[1] = cosine, np.sqrt(1 - cosine**2)
    Path(name).write_text(json.dumps(vector.tolist()))
    return name


def compare(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["compare", *arguments])


@pytest.mark.parametrize(
    ("cosine", "line", "status"),
    [
        (0.7523, "cosine_similarity=0.7523, 동일인 가능성 높음", 0),
        (0.4501, "cosine_similarity=0.4501, 동일인 가능성 있음", 0),
        (0.4000, "cosine_similarity=0.4000, 동일인 가능성 있음", 0),
        (0.3501, "cosine_similarity=0.3501, 판단하기 어려움", 1),
        (-0.1, "cosine_similarity=-0.1000, 동일인 가능성 매우 낮음", 1),
    ],
)
def test_line_tells_cosine_and_band(cosine: float, line: str, status: int) -> None:
    result = compare(write("emb1.txt"), write("emb2.txt", cosine + 1e-9))
    assert (result.stdout, result.exit_code) == (f"{line}\n", status)


def test_english_is_chosen_by_lang() -> None:
    result = compare(write("emb1.txt"), write("emb2.txt", 0.7523), "--lang", "en")
    assert result.stdout == "cosine_similarity=0.7523, very likely the same person\n"


def test_configured_threshold_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_THRESHOLD_PROFILES", '{"mobile_s": {"balanced": 0.8}}')
    assert compare(write("emb1.txt"), write("emb2.txt", 0.7523)).exit_code == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no list",
        '"text"',
        "{}",
        "[1, 2]",
        json.dumps([0.0] * 512),
        json.dumps([[1.0] * 512]),
        json.dumps([float("nan")] * 512),
        json.dumps([10**400] * 512),
        json.dumps(["x"] * 512),
    ],
    ids=lambda content: content[:12] or "empty",
)
def test_file_without_an_embedding_is_wrong_use(content: str) -> None:
    Path("other.txt").write_text(content)
    result = compare(write("emb1.txt"), "other.txt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "other.txt: 512개의 수로 된 JSON 목록이 아닙니다.\n"


def test_two_short_lists_are_no_match() -> None:
    assert compare(write("a.txt", numbers=2), write("b.txt", numbers=2)).exit_code == 2


def test_missing_file_is_wrong_use() -> None:
    assert compare(write("emb1.txt"), "missing.txt").exit_code == 2
