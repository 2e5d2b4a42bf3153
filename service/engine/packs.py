"""A model pack on disk: `<model_root>/models/<name>/`, InsightFace's own layout."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from insightface.model_zoo.package_manifest import (
    ModelTaskDescriptor,
    has_model_package_manifest,
    load_model_package,
    verify_model_artifact,
)

from service.domain.errors import ModelUnavailable
from service.domain.ports import ModelIdentity
from service.engine.download import DOWNLOADABLE, download_pack
from service.engine.graphs import ModelTask, UnreadableGraph, task_of


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
