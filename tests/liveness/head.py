"""A head in three dimensions, with a photograph of a person on its face.

There is no film of a person here. What matters is that the nose stands out of the plane of eyes and mouth as
it does in people, and that the detector and the recognizer see a face: the tests look at both.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image
from tests.liveness.portrait import Portrait, widened
from tests.liveness.scene import Pose, Scene, Solid, Surface, drawn, projected

HALF_AXES = np.array([1.25, 1.85, 1.5])
"""Of a head of 15.5 cm by 23 cm, whose eyes are 6.3 cm apart."""

NOSE = 0.32
"""Eye distances by which its tip stands out of the ellipsoid: 2 cm, and 3 cm out of the plane of the eyes."""

BRIDGE = 0.12
"""The same between the eyes."""

NECK = np.array([0.0, 0.9, 1.8])
"""About which a head turns and tilts, from the middle of the eyes."""

HAIRLINE = 1.0
"""Eye distances above the eyes."""

BORDER = 120
"""Pixels around the photograph, blurred: what it does not show of the head."""

ROWS, COLUMNS = 140, 160

Floats = NDArray[np.float64]


class RenderedHead:
    """`portrait`: whose it is. `scene`: where it is."""

    def __init__(self, portrait: Portrait, scene: Scene) -> None:
        self._portrait, self._scene = portrait, scene

    def seen(self, pose: Pose) -> Image:
        """640 x 480 pixels."""
        behind = self._scene.with_body(pose.place, self._skin)
        return self._scene.taken(drawn(self._surface, _placed(self._surface.points, pose), behind))

    def landmarks(self, pose: Pose) -> Floats:
        """(5, 2) in pixels: where they are in the picture."""
        x, y = self._portrait.features.T
        up = np.arcsin(y / HALF_AXES[1])
        around = np.arcsin(x / (HALF_AXES[0] * np.cos(up)))
        return projected(_placed(self._solid(around, up), pose))

    @cached_property
    def _surface(self) -> Surface:
        """From the crown to below the chin, and around to behind the ears."""
        around = np.radians(np.linspace(-115, 115, COLUMNS))
        up = np.radians(np.linspace(-89, 72, ROWS))
        points = self._solid(*np.meshgrid(around, up))
        places = self._portrait.pixels(points[..., 0], points[..., 1]) + BORDER
        return Surface(points, places, self._picture)

    def _solid(self, around: Floats, up: Floats) -> Solid:
        """(…, 3): the face at these angles, whose middle of the eyes is at about 0."""
        width, height, depth = HALF_AXES
        x, y = width * np.sin(around) * np.cos(up), height * np.sin(up)
        ellipsoid = depth * (1 - np.cos(around) * np.cos(up))
        relief = relief_of(self._portrait.features, x, y) * np.clip(np.cos(around), 0, 1)
        return np.stack((x, y, ellipsoid - relief), -1)

    @cached_property
    def _picture(self) -> Image:
        """The photograph with a border in the colors of its edge, blurred, and hair above the forehead."""
        return self._with_hair(widened(self._portrait.photograph, BORDER, blur=9))

    def _with_hair(self, wide: Image) -> Image:
        """As dark as what is darkest at the photograph's upper edge."""
        edge = wide[BORDER + 2 : BORDER + 12, BORDER:-BORDER].reshape(-1, 3)
        hair = np.percentile(edge, 10, axis=0)
        rows, columns = np.indices(wide.shape[:2])
        pixels = np.stack((columns, rows), -1).astype(np.float64) - BORDER
        up = -self._portrait.measured(pixels)[..., 1]
        share = _begun(up - HAIRLINE, 0.03)[:, :, None]
        strands = np.random.default_rng(0).normal(1.0, 0.12, (wide.shape[1], 1))
        return np.asarray(np.clip(share * hair * strands + (1 - share) * wide, 0, 255), np.uint8)

    @cached_property
    def _skin(self) -> Floats:
        """(3,): the color of the chin."""
        x, y = self._portrait.pixels(np.array(0.0), np.array(1.5)) + BORDER
        around = self._picture[int(y) - 7 : int(y) + 8, int(x) - 7 : int(x) + 8]
        return np.asarray(around.mean(axis=(0, 1)), np.float64)


def pictured(portrait: Portrait, scene: Scene) -> Portrait:
    """A photograph of the person in a room, as a sheet shows it that fills the picture."""
    head = RenderedHead(portrait, scene)
    return Portrait(head.seen(Pose()), head.landmarks(Pose()))


def _placed(points: Solid, pose: Pose) -> Solid:
    return np.asarray((points - NECK) @ pose.rotation.T + NECK + pose.place)


def relief_of(features: Floats, x: Floats, y: Floats) -> Floats:
    """How far a face whose landmarks are `features` stands out of the ellipsoid, in eye distances."""
    left, right, nose, *mouth = features
    lips = (mouth[0] + mouth[1]) / 2
    sockets = _bump(x, y, left, 0.2) + _bump(x, y, right, 0.2)
    chin = _bump(x, y, lips + np.array([0.0, 0.55]), 0.3)
    return np.asarray(
        _ridge(x, y, nose) - 0.06 * sockets + 0.06 * _bump(x, y, lips, 0.3) + 0.10 * chin
    )


def _ridge(x: Floats, y: Floats, tip: Floats) -> Floats:
    """A nose: it begins between the eyes, stands out most at its tip, and ends soon below."""
    share = np.clip(y / tip[1], 0.0, 1.0)
    height = BRIDGE + (NOSE - BRIDGE) * share**1.3
    along = _begun(y + 0.12, 0.06) * _begun(tip[1] + 0.17 - y, 0.035)
    across = np.exp(-(((x - tip[0] * share) / (0.12 + 0.10 * share)) ** 2) / 2)
    return np.asarray(height * along * across)


def _bump(x: Floats, y: Floats, middle: Floats, width: float) -> Floats:
    return np.asarray(np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / (2 * width**2)))


def _begun(distance: Floats, softness: float) -> Floats:
    """0 before, 1 behind the place where `distance` is 0."""
    return np.asarray(1 / (1 + np.exp(-distance / softness)))
