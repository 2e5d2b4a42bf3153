"""Which two models a pack holds, and what any of them can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from service.domain.errors import ModelUnavailable
from service.domain.face import Image
from service.engine.packs import Pack, output_names
from service.engine.providers import CPU
from service.engine.recognizer import ArcFace, Recognizer, SFace
from service.engine.scrfd import Floats, Scrfd, shows_landmarks
from service.engine.sessions import (
    load_detector,
    load_network,
    load_recognizer,
    require_alignable,
)
from service.engine.yunet import YuNet, is_yunet, resizable


class Detector(Protocol):
    sides: Sequence[int]
    """Pixels of the longer side to which every picture is reduced, rising: it is looked at in each."""

    certain: float
    """Score from which a face is the right way up without a further look."""

    def detect(self, image: Image, floor: float) -> tuple[Floats, Floats]:
        """Faces scored `floor` or more: (n, 5) of corners and score, (n, 5, 2) of landmarks."""
        ...

    def look(self, image: Image, side: int, floor: float) -> tuple[Floats, Floats]:
        """As `detect`, at one of `sides` only, and a face may be told several times."""
        ...

    def warm_up(self, rounds: int) -> None:
        """Look at nothing, so often, in every size that a photograph may be looked at in."""
        ...


def load_models(pack: Pack, providers: Sequence[str]) -> tuple[Detector, Recognizer]:
    """OpenCV's pair where the detector is YuNet, InsightFace's otherwise. Raises `ModelUnavailable`."""
    if is_yunet(output_names(pack.detection.path)):
        return _opencv(pack, providers)
    detector, recognizer = load_detector(pack, providers), load_recognizer(pack, providers)
    if not shows_landmarks(detector.output_names):
        cause = "its detection model gives no landmarks to align faces by"
        raise ModelUnavailable(model=pack.model.name, path=pack.folder, cause=cause)
    return (
        Scrfd(detector, pack.detection.scale, spare_close_ups=detector.providers[0] == CPU),
        ArcFace(recognizer, pack.recognition.scale),
    )


def _opencv(pack: Pack, providers: Sequence[str]) -> tuple[Detector, Recognizer]:
    name = pack.model.name
    recognizer = load_network(pack.recognition.path, providers, name=name, folder=pack.folder)
    require_alignable(pack, recognizer.input_shape[3])
    return load_yunet(pack.detection.path, providers, name), SFace(recognizer)


def load_yunet(path: Path, providers: Sequence[str], name: str) -> YuNet:
    """`name`: of the model that it belongs to. Raises `ModelUnavailable`."""
    return YuNet(load_network(resizable(path), providers, name=name, folder=path.parent))
