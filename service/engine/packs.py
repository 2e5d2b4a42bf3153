"""A model pack on disk: `<model_root>/models/<name>/`, InsightFace's own layout.

What each ONNX file is for is read from its graph, without an inference session. A public pack that
is not there is downloaded on first use: whole, or not at all.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import TypeAlias
from urllib.error import URLError

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from insightface.model_zoo.package_manifest import (
    ModelTaskDescriptor,
    has_model_package_manifest,
    load_model_package,
    verify_model_artifact,
)
from insightface.utils.storage import MODEL_ZOO_RELEASE_DOWNLOAD_URL

from service.domain.errors import ModelUnavailable
from service.domain.ports import ModelIdentity

logger = logging.getLogger(__name__)

DOWNLOADABLE = ("buffalo_l", "buffalo_m", "buffalo_s")
"""The packs of InsightFace's release page that hold a detector and a recognizer."""

LICENCE_NOTICE = (
    "InsightFace's public model packs are for non-commercial research only; ask InsightFace for "
    "a licence before any other use, or set FACE_MODEL_NAME=dlib, whose weights are CC0."
)

TIMEOUT_SECONDS = 10.0
"""Longest wait for a connection, and for the next bytes after it; the whole may take longer."""

MAX_PACK_BYTES = 2 * 1024**3
"""Unpacked size above which an archive is refused; buffalo_l, the largest, has 0.35 GB."""

_CHUNK_BYTES = 1024 * 1024


class _BadPack(Exception):
    """What came is not a pack."""


def download_pack(
    name: str,
    folder: Path,
    base_url: str = MODEL_ZOO_RELEASE_DOWNLOAD_URL,
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """Make `folder` with the pack's models, from `<base_url><name>.zip`.

    It appears in one rename: an interrupted download leaves no half of it, and of several
    processes at once the first wins. Raises `ModelUnavailable`.
    """
    url = f"{base_url}{name}.zip"
    logger.info("Downloading %s. %s", url, LICENCE_NOTICE)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as workshop:
            _build(url, Path(workshop), folder, timeout)
    except (OSError, HTTPException, zipfile.BadZipFile, _BadPack) as error:
        cause = f"the download from {url} failed: {_in_words(error)}"
        raise ModelUnavailable(model=name, path=folder, cause=cause) from error


def _build(url: str, workshop: Path, folder: Path, timeout: float) -> None:
    archive, models = workshop / "pack.zip", workshop / "models"
    _receive(url, archive, timeout)
    models.mkdir()
    _unpack(archive, models)
    try:
        models.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _receive(url: str, archive: Path, timeout: float) -> None:
    with urllib.request.urlopen(url, timeout=timeout) as response, archive.open("wb") as file:  # noqa: S310 - the operator's URL
        shutil.copyfileobj(response, file, _CHUNK_BYTES)
        announced = response.headers.get("Content-Length")
    if announced is not None and archive.stat().st_size != int(announced):
        raise _BadPack("it ended before it was complete")


def _unpack(archive: Path, models: Path) -> None:
    """Only models, and all of them at the top: some archives have a folder of their own inside.

    Reading a member to its end checks its CRC.
    """
    with zipfile.ZipFile(archive) as zipped:
        members = zipped.infolist()
        if sum(member.file_size for member in members) > MAX_PACK_BYTES:
            raise _BadPack("it is larger than any known pack")
        for member in members:
            target = models / _model_name(member)
            if target.suffix == ".onnx":
                with zipped.open(member) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file, _CHUNK_BYTES)
    if not any(models.iterdir()):
        raise _BadPack("it holds no ONNX model")


def _model_name(member: zipfile.ZipInfo) -> str:
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts or set(member.filename) & set("\\:"):
        raise _BadPack("it names files outside its own folder")
    return path.name


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the server stopped answering"
    if isinstance(error, zipfile.BadZipFile):
        return "what came is not a whole zip archive"
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        return _in_words(error.reason)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


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


def output_names(path: Path) -> list[str]:
    """Of an ONNX model. Raises `UnreadableGraph`."""
    return [output.name for output in _graph(path).output]


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
