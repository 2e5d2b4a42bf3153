"""What an ONNX file is for, read from its graph without starting an inference session.

A model pack on disk: `<model_root>/models/<name>/`, InsightFace's own layout.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from insightface.model_zoo.package_manifest import (
    ModelTaskDescriptor,
    has_model_package_manifest,
    load_model_package,
    verify_model_artifact,
)

from service.domain.errors import ModelUnavailable
from service.domain.ports import ModelIdentity
from service.engine.download import DOWNLOADABLE, download_pack

Shape: TypeAlias = tuple[int | None, ...]
"""Of a graph's input or output; None for a size that is open."""


class ModelTask(StrEnum):
    DETECTION = "detection"
    RECOGNITION = "recognition"


class UnreadableGraph(Exception):
    """The file is not an ONNX model. Becomes `ModelUnavailable` where the pack is known."""


_DETECTOR_OUTPUTS = 5
_LANDMARK_SIZE, _ATTRIBUTE_SIZE, _SWAPPER_SIZE = 192, 96, 128
_SMALLEST_RECOGNIZER, _RECOGNIZER_STEP = 112, 16


def task_of(path: Path) -> ModelTask | None:
    """The task by the rules of `insightface.model_zoo.ModelRouter`; None for any other model.

    InsightFace applies them to a running session, and so loads all five models of buffalo_l to
    keep two. Raises `UnreadableGraph`.
    """
    graph = _graph(path)
    if len(graph.output) >= _DETECTOR_OUTPUTS:
        return ModelTask.DETECTION
    shapes = _input_shapes(graph)
    return ModelTask.RECOGNITION if shapes and _is_recognizer(shapes) else None


def _is_recognizer(inputs: list[Shape]) -> bool:
    if len(inputs[0]) != 4:
        return False
    height, width = inputs[0][2:]
    if height is None or height != width or height in (_LANDMARK_SIZE, _ATTRIBUTE_SIZE):
        return False
    if len(inputs) == 2 and height == _SWAPPER_SIZE:
        return False
    return height >= _SMALLEST_RECOGNIZER and height % _RECOGNIZER_STEP == 0


def _graph(path: Path) -> onnx.GraphProto:
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise UnreadableGraph(f"{path.name} is not a readable ONNX model") from error
    if not model.graph.output:
        raise UnreadableGraph(f"{path.name} is not a readable ONNX model")
    return model.graph


def _input_shapes(graph: onnx.GraphProto) -> list[Shape]:
    weights = {initializer.name for initializer in graph.initializer}
    return [_shape(value) for value in graph.input if value.name not in weights]


def _shape(value: onnx.ValueInfoProto) -> Shape:
    return tuple(size.dim_value or None for size in value.type.tensor_type.shape.dim)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """`descriptor`: what the pack's manifest says about it; None in packs without one."""

    path: Path
    descriptor: ModelTaskDescriptor | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """The two models of a pack that the service uses; the others are never loaded."""

    folder: Path
    detection: ModelFile
    recognition: ModelFile
    model: ModelIdentity


def pack_folder(name: str, model_root: Path) -> Path:
    return model_root.expanduser() / "models" / name


def find_pack(name: str, model_root: Path) -> Pack:
    """The pack of this name; InsightFace's public ones are downloaded where they are missing.

    Raises `ModelUnavailable`.
    """
    folder = pack_folder(name, model_root)
    if name.strip(".") == "":
        raise ModelUnavailable(model=name, path=folder, cause="this is not the name of a pack")
    if not folder.is_dir():
        _fetch(name, folder)
    return open_pack(name, folder)


def open_pack(name: str, folder: Path) -> Pack:
    """Find detection and recognition in `folder`. Raises `ModelUnavailable`."""
    try:
        files = _declared(folder) if has_model_package_manifest(folder) else _routed(folder)
        detection = _require(files, ModelTask.DETECTION)
        recognition = _require(files, ModelTask.RECOGNITION)
        model = ModelIdentity(name, sha256_of(recognition.path))
    except (UnreadableGraph, OSError, TypeError, ValueError, RuntimeError) as error:
        raise ModelUnavailable(model=name, path=folder, cause=str(error)) from error
    return Pack(folder, detection, recognition, model)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(name: str, folder: Path) -> None:
    if name not in DOWNLOADABLE:
        cause = f"there is no such folder, and only {', '.join(DOWNLOADABLE)} can be downloaded"
        raise ModelUnavailable(model=name, path=folder, cause=cause)
    download_pack(name, folder)


def _routed(folder: Path) -> dict[ModelTask, ModelFile]:
    """The first file of each task by name, as InsightFace takes them; stops once it has both."""
    found: dict[ModelTask, ModelFile] = {}
    for path in sorted(folder.glob("*.onnx")):
        task = task_of(path)
        if task is not None:
            found.setdefault(task, ModelFile(path))
        if len(found) == len(ModelTask):
            break
    return found


def _declared(folder: Path) -> dict[ModelTask, ModelFile]:
    """What InsightFace 2's manifest names, with the digests it declares checked."""
    package = load_model_package(folder)
    return {
        task: ModelFile(verify_model_artifact(package.task(task)), package.task(task))
        for task in ModelTask
        if task in package.tasks
    }


def _require(files: dict[ModelTask, ModelFile], task: ModelTask) -> ModelFile:
    if task not in files:
        raise ValueError(f"the folder holds no {task.value} model")
    return files[task]
