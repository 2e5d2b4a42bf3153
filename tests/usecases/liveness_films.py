"""An engine that sees poses: the frames of a stand-in camera are named after them.

`kim:a@30,0,1` is Kim, turned by 30 degrees to their own left, not tilted, at the usual distance. A sheet
with Kim's face on it is `kim:a@flat30,0,1`: it is turned in the same way, and stays flat. `kim~lee:a@0,0,1` is a
morph of both.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from service.domain.challenge import Step
from service.domain.face import (
    Box,
    Detection,
    EmbeddedFace,
    FaceCrop,
    Faces,
    Image,
    Observation,
    Photograph,
    Uploads,
)
from service.domain.frame_hash import FEATURES
from service.domain.head_pose import Points
from service.domain.ports import FrameObserver
from tests.domain.heads import Head, noisy, unit
from tests.domain.vectors import face_of
from tests.usecases.stand_ins import StandInEngine

POSES = {
    Step.LOOK_AHEAD: (0.0, 0.0, 1.0),
    Step.TURN_LEFT: (34.0, 0.0, 1.0),
    Step.TURN_RIGHT: (-34.0, 0.0, 1.0),
    Step.LOOK_UP: (0.0, -22.0, 1.0),
    Step.LOOK_DOWN: (0.0, 22.0, 1.0),
    Step.COME_CLOSER: (0.0, 0.0, 1.8),
}
"""Degrees and how many times as near, where a step ends."""

_numbers = count()


def frames_of(step: Step, who: str = "kim", number: int = 4) -> list[str]:
    """From looking ahead to where the step ends."""
    turned, tilted, near = POSES[step]
    shares = [(index + 1) / number for index in range(number)]
    return [
        f"{who}:{next(_numbers)}@{turned * share},{tilted * share},{1 + (near - 1) * share}"
        for share in shares
    ]


def upload(names: Sequence[str]) -> Uploads:
    return Uploads([name.encode() for name in names])


def without_models(image: Image, box: Box) -> Observation:
    """An observer: the engine makes the features itself."""
    return Observation(None, b"")


class PoseEngine(StandInEngine):
    """Sees landmarks as well, and names the frame by numbers that are its own."""

    def detect(
        self,
        photographs: Sequence[Photograph],
        faces: Faces = Faces.ONE,
        observe: FrameObserver | None = None,
    ) -> list[Detection]:
        found = super().detect(photographs, faces)
        return found if observe is None else [_observed(each, observe) for each in found]

    def embed(self, crops: Sequence[FaceCrop]) -> list[EmbeddedFace]:
        faces = super().embed(crops)
        return [
            _morph(crop) if "~" in _name(crop) else face
            for crop, face in zip(crops, faces, strict=True)
        ]


def _name(crop: FaceCrop) -> str:
    return crop.pixels.tobytes().decode().rstrip()


def _morph(crop: FaceCrop) -> EmbeddedFace:
    one, _, other = _name(crop).partition(":")[0].partition("~")
    return EmbeddedFace(unit(np.asarray(face_of(one) + face_of(other), np.float64)), 1.0)


def _observed(found: Detection, observe: FrameObserver) -> Detection:
    """With what passive models say, by the observer, and features of the frame's own."""
    if not isinstance(found, FaceCrop):
        return found
    name = _name(found)
    random = np.random.default_rng(zlib.crc32(name.encode()))
    features = random.integers(-128, 128, FEATURES).astype(np.int8).tobytes()
    seen = replace(observe(found.pixels, found.box), features=features)
    return replace(found, landmarks=_landmarks(name, random), observation=seen)


def _landmarks(name: str, random: np.random.Generator) -> Points:
    pose = name.partition("@")[2]
    turned, tilted, near = map(float, pose.removeprefix("flat").split(","))
    head = Head(np.random.default_rng(7))
    head.random = random
    if not pose.startswith("flat"):
        return head.seen(turned, tilted, near)
    narrower = np.cos(np.radians([turned, tilted])) * near
    return noisy(np.asarray(head.seen(0.0, 0.0) * narrower), head.noise, random)
