"""`fetch`: both models come from where they are published, and what is there already is proved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.domain.errors import LivenessModelsUnavailable
from service.engine import minifasnet
from service.engine.minifasnet import MODELS, MiniFasNets, fetch
from tests.engine.file_server import Origin, serving

Patch = pytest.MonkeyPatch


@contextmanager
def published_here(contents: dict[str, bytes], monkeypatch: Patch) -> Iterator[list[Origin]]:
    """The models with addresses on this machine."""
    origins = [Origin(contents[model.file.name], path=f"/{model.file.name}") for model in MODELS]
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(origin)) for origin in origins]
        here = [
            replace(model, file=replace(model.file, urls=(f"{url}{model.file.name}",)))
            for model, url in zip(MODELS, urls, strict=True)
        ]
        monkeypatch.setattr(minifasnet, "MODELS", tuple(here))
        yield origins


@pytest.fixture
def contents(liveness_models: Path) -> dict[str, bytes]:
    return {m.file.name: (liveness_models / m.file.name).read_bytes() for m in MODELS}


def test_both_models_come(contents: dict[str, bytes], tmp_path: Path, monkeypatch: Patch) -> None:
    with published_here(contents, monkeypatch):
        fetch(tmp_path / "models" / "liveness")
    assert MiniFasNets(tmp_path / "models" / "liveness").names == ["MiniFASNetV2", "MiniFASNetV1SE"]


def test_other_content_is_refused_and_not_kept(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: Patch
) -> None:
    other = {name: content[:-1] + b"?" for name, content in contents.items()}
    with (
        published_here(other, monkeypatch),
        pytest.raises(LivenessModelsUnavailable, match="liveness_models_unavailable"),
    ):
        fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_asked_for(
    contents: dict[str, bytes], liveness_models: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    for name in contents:
        shutil.copyfile(liveness_models / name, tmp_path / name)
    with published_here(contents, monkeypatch) as origins:
        fetch(tmp_path)
    assert [origin.asked for origin in origins] == [[], []]


def test_a_damaged_file_that_is_there_is_told(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: Patch
) -> None:
    (tmp_path / "MiniFASNetV1SE.onnx").write_bytes(b"damaged")
    with published_here(contents, monkeypatch), pytest.raises(LivenessModelsUnavailable) as told:
        fetch(tmp_path)
    assert "MiniFASNetV1SE.onnx" in str(told.value.values["cause"])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.file.name)
def test_addresses_name_one_commit_first(model: minifasnet.Model) -> None:
    commit = "c175efef505bc275f7835cc9aa2aecab305ac184"
    assert model.file.urls[0].split("/")[-3:] == [commit, "weights", model.file.name]
