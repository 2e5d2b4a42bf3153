"""A model pack on disk: `<model_root>/models/<name>/`, InsightFace's own layout.

What each ONNX file is for is read from its graph, without an inference session. A public pack that
is not there is downloaded on first use: whole, or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from service.domain.errors import ModelUnavailable
from service.domain.ports import ModelIdentity
from service.domain.thresholds import SFACE_2021DEC
from service.engine.download import (
    NotAsPublished,
    PublishedFile,
    download_files,
    download_pack,
    require_published,
    sha256_of,
)
from service.engine.licenses import DLIB, license_of

logger = logging.getLogger(__name__)

DOWNLOADABLE = ("buffalo_l", "buffalo_m", "buffalo_s")
"""The packs of InsightFace's release page that hold a detector and a recognizer."""

_ZOO = "https://media.githubusercontent.com/media/opencv/opencv_zoo/966be4cb6eefc2a4f586ed0581bf4bbaa2533070/models"
_HUB = "https://huggingface.co/opencv"

YUNET_FILE = PublishedFile(
    "face_detection_yunet_2023mar.onnx",
    232_589,
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    (
        f"{_HUB}/face_detection_yunet/resolve/3cc26e7f1014a5ee5d74a42acee58bafc9d0a310/face_detection_yunet_2023mar.onnx",
        f"{_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
    ),
)
SFACE_FILE = PublishedFile(
    "face_recognition_sface_2021dec.onnx",
    38_696_353,
    SFACE_2021DEC,
    (
        f"{_HUB}/face_recognition_sface/resolve/3d7082438a6e4551e840c9b2bb60b71e8da4b524/face_recognition_sface_2021dec.onnx",
        f"{_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx",
    ),
)
"""Where OpenCV publishes them, each at the revision that was looked at: its organization on Hugging Face, and
its repository on GitHub, which is archived."""

SFACE = "sface"
PUBLISHED = (YUNET_FILE, SFACE_FILE)
"""The pack of this name is these two files and no others."""

Shape: TypeAlias = tuple[int | None, ...]
"""Of a graph's input or output; None for a size that is open."""


class ModelTask(StrEnum):
    DETECTION = "detection"
    RECOGNITION = "recognition"


@dataclass(frozen=True, slots=True)
class PixelScale:
    """A graph is given `(pixel - mean) / deviation`, of pixels from 0 to 255."""

    mean: float
    deviation: float


AS_THEY_ARE: Final = PixelScale(0.0, 1.0)
"""For graphs that scale pixels themselves."""

USUAL_SCALES: Final[Mapping[ModelTask, PixelScale]] = {
    ModelTask.DETECTION: PixelScale(127.5, 128.0),
    ModelTask.RECOGNITION: PixelScale(127.5, 127.5),
}
"""Those of `insightface.model_zoo.SCRFD` and `ArcFaceONNX`."""

MANIFEST = "manifest.json"

_LOOKED_AT = 8
"""Nodes at a graph's start whose names tell whether it scales pixels itself."""


class UnreadableGraph(Exception):
    """The file is not an ONNX model. Becomes `ModelUnavailable` where the pack is known."""


_DETECTOR_OUTPUTS = 5
_LANDMARK_SIZE, _ATTRIBUTE_SIZE, _SWAPPER_SIZE = 192, 96, 128
_SMALLEST_RECOGNIZER, _RECOGNIZER_STEP = 112, 16


def task_of(graph: onnx.GraphProto) -> ModelTask | None:
    """The task by the rules of `insightface.model_zoo.ModelRouter`; None for any other model.

    InsightFace applies them to a running session, and so loads all five models of buffalo_l to
    keep two.
    """
    if len(graph.output) >= _DETECTOR_OUTPUTS:
        return ModelTask.DETECTION
    shapes = _input_shapes(graph)
    return ModelTask.RECOGNITION if shapes and _is_recognizer(shapes) else None


def scales_pixels(graph: onnx.GraphProto) -> bool:
    """Whether a recognizer's graph does it itself: by the names that ArcFace's exporters give, as InsightFace tells it."""
    names = [node.name for node in graph.node[:_LOOKED_AT]]
    subtracts = any(name.startswith(("Sub", "_minus")) for name in names)
    return subtracts and any(name.startswith(("Mul", "_mul")) for name in names)


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
    """`scale`: of the pixels that it takes."""

    path: Path
    scale: PixelScale


@dataclass(frozen=True, slots=True)
class Pack:
    """The two models of a pack that the service uses; the others are never loaded."""

    folder: Path
    detection: ModelFile
    recognition: ModelFile
    model: ModelIdentity

    @property
    def has_manifest(self) -> bool:
        """Of InsightFace 2, which names its files and may tell their digests."""
        return _has_manifest(self.folder)


def pack_folder(name: str, model_root: Path) -> Path:
    return model_root.expanduser() / "models" / name


def find_pack(name: str, model_root: Path) -> Pack:
    """The pack of this name; InsightFace's and OpenCV's public ones are downloaded where they are missing.

    Raises `ModelUnavailable`.
    """
    folder = pack_folder(name, model_root)
    if name.strip(".") == "":
        raise ModelUnavailable(model=name, path=folder, cause="this is not the name of a pack")
    if name == SFACE:
        download_files(name, PUBLISHED, folder)
    elif not folder.is_dir():
        _fetch(name, folder)
    return _opened(name, folder)


def installed_pack(name: str, model_root: Path) -> Pack | None:
    """The pack of this name as it is there; None: it is not, or not all of it. Raises `ModelUnavailable`."""
    folder = pack_folder(name, model_root)
    wanted = [folder / file.name for file in PUBLISHED] if name == SFACE else [folder]
    return _opened(name, folder) if all(path.exists() for path in wanted) else None


def identify_model(name: str, model_root: Path) -> ModelIdentity | None:
    """Which model would be loaded, by the file that is there, without loading or downloading it, nor what runs it.

    None for a pack that is not there. Raises `ModelUnavailable`.
    """
    if name == DLIB:
        from service.engine.dlib import find_weights

        return ModelIdentity(DLIB, sha256_of(find_weights().recognition))
    pack = installed_pack(name, model_root)
    return None if pack is None else pack.model


def installed_yunet(model_root: Path) -> Path | None:
    """OpenCV's detector, where it is there as it was published: whichever engine may use it."""
    path = pack_folder(SFACE, model_root) / YUNET_FILE.name
    try:
        require_published(path, YUNET_FILE)
    except FileNotFoundError:
        return None
    except (OSError, NotAsPublished) as error:
        logger.warning("%s is not used: %s", path, error)
        return None
    return path


def _opened(name: str, folder: Path) -> Pack:
    return _published(name, folder) if name == SFACE else open_pack(name, folder)


def open_pack(name: str, folder: Path) -> Pack:
    """Find detection and recognition in `folder`. Raises `ModelUnavailable`."""
    try:
        files = _declared(folder) if _has_manifest(folder) else _routed(folder)
        detection = _require(files, ModelTask.DETECTION)
        recognition = _require(files, ModelTask.RECOGNITION)
        model = ModelIdentity(name, sha256_of(recognition.path))
    except (UnreadableGraph, OSError, TypeError, ValueError, RuntimeError) as error:
        raise ModelUnavailable(model=name, path=folder, cause=str(error)) from error
    return Pack(folder, detection, recognition, model)


def _published(name: str, folder: Path) -> Pack:
    """The pack of exactly the files that OpenCV publishes. Raises `ModelUnavailable`."""
    for file in PUBLISHED:
        try:
            require_published(folder / file.name, file)
        except (OSError, NotAsPublished) as error:
            cause = f"{file.name}: {error}. Remove it and it is downloaded; another file needs a folder of its own"
            raise ModelUnavailable(model=name, path=folder, cause=cause) from error
    detection, recognition = (ModelFile(folder / file.name, AS_THEY_ARE) for file in PUBLISHED)
    return Pack(folder, detection, recognition, ModelIdentity(name, SFACE_FILE.sha256))


def _fetch(name: str, folder: Path) -> None:
    if name not in DOWNLOADABLE:
        known = ", ".join((*DOWNLOADABLE, SFACE))
        cause = f"there is no such folder, and only {known} can be downloaded"
        raise ModelUnavailable(model=name, path=folder, cause=cause)
    from insightface.utils.storage import MODEL_ZOO_RELEASE_DOWNLOAD_URL

    logger.info(license_of(name).notice)
    download_pack(name, folder, MODEL_ZOO_RELEASE_DOWNLOAD_URL)


def _routed(folder: Path) -> dict[ModelTask, ModelFile]:
    """The first file of each task by name, as InsightFace takes them; stops once it has both."""
    found: dict[ModelTask, ModelFile] = {}
    for path in sorted(folder.glob("*.onnx")):
        graph = _graph(path)
        task = task_of(graph)
        if task is not None:
            found.setdefault(task, ModelFile(path, _scale(task, graph)))
        if len(found) == len(ModelTask):
            break
    return found


def _scale(task: ModelTask, graph: onnx.GraphProto) -> PixelScale:
    if task is ModelTask.RECOGNITION and scales_pixels(graph):
        return AS_THEY_ARE
    return USUAL_SCALES[task]


def _has_manifest(folder: Path) -> bool:
    """InsightFace takes half a second of a core to import: where there is no such file it is not asked."""
    if not (folder / MANIFEST).is_file():
        return False
    from insightface.model_zoo import has_model_package_manifest

    return bool(has_model_package_manifest(folder))


def _declared(folder: Path) -> dict[ModelTask, ModelFile]:
    """What InsightFace 2's manifest names, with the digests it declares checked."""
    from insightface.model_zoo.package_manifest import load_model_package, verify_model_artifact

    tasks = load_model_package(folder).tasks
    return {
        task: ModelFile(verify_model_artifact(tasks[task]), _declared_scale(tasks[task].metadata))
        for task in ModelTask
        if task in tasks
    }


def _declared_scale(metadata: Mapping[str, Any]) -> PixelScale:
    from insightface.model_zoo.package_manifest import EMBEDDED_PREPROCESSING

    declared = metadata["preprocessing"]
    if declared == EMBEDDED_PREPROCESSING:
        return AS_THEY_ARE
    return PixelScale(declared["mean"], declared["std"])


def _require(files: dict[ModelTask, ModelFile], task: ModelTask) -> ModelFile:
    if task not in files:
        raise ValueError(f"the folder holds no {task.value} model")
    return files[task]
