"""A photograph that is held before the camera: printed on a sheet, flat or bent, or on a screen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image
from tests.liveness.head import pictured
from tests.liveness.portrait import Portrait, widened
from tests.liveness.scene import Pose, Scene, Solid, Surface, drawn

Floats = NDArray[np.float64]

MARGIN = 0.2
"""Paper or frame around the photograph, in eye distances."""

FILLING = 3.0
"""The same of a sheet that fills the picture, of which the photograph's edge goes on."""

PAPER, FRAME = (235, 240, 240), (20, 20, 20)
"""Blue, green, red."""

ENLARGED = 6
"""Stripes and lines of a screen for a pixel of the photograph."""

ROWS, COLUMNS = 60, 80

SWAPPED_FROM = 15.0
"""Degrees from which another photograph is held up."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`bent`: degrees in an eye distance, about its height, away from the camera; negative towards it.

    `bent_down`: the same about its width. `fills`: its edge is out of the picture, the person in a room.
    """

    bent: float = 0.0
    bent_down: float = 0.0
    fills: bool = False
    is_screen: bool = False


class FlatSheet:
    """`portrait`: what is on it. `scene`: where it is held up."""

    def __init__(self, portrait: Portrait, scene: Scene, sheet: Sheet | None = None) -> None:
        self._scene, self._sheet = scene, sheet or Sheet()
        self._portrait = pictured(portrait, scene) if self._sheet.fills else portrait

    def seen(self, pose: Pose) -> Image:
        """640 x 480 pixels."""
        points = self._surface.points @ pose.rotation.T + pose.place
        return self._scene.taken(drawn(self._surface, points, self._scene.wall))

    @cached_property
    def _surface(self) -> Surface:
        border = round((FILLING if self._sheet.fills else MARGIN) * self._portrait.scale)
        printed = self._printed(border)
        height, width = printed.shape[:2]
        columns, rows = np.meshgrid(np.linspace(0, width, COLUMNS), np.linspace(0, height, ROWS))
        pixels = np.stack((columns, rows), -1)
        flat = self._portrait.measured(pixels - border)
        picture = self._shown(printed)
        return Surface(self._bent(flat), pixels * picture.shape[0] / height, picture)

    def _bent(self, flat: Floats) -> Solid:
        across, back = _arc(flat[..., 0], self._sheet.bent)
        along, further = _arc(flat[..., 1], self._sheet.bent_down)
        return np.stack((across, along, back + further), -1)

    def _printed(self, border: int) -> Image:
        """The photograph and what is around it."""
        photograph = self._portrait.photograph
        if self._sheet.fills:
            return widened(photograph, border, blur=25)
        color = FRAME if self._sheet.is_screen else PAPER
        framed = cv2.copyMakeBorder(photograph, *(border,) * 4, cv2.BORDER_CONSTANT, value=color)
        return np.asarray(framed, np.uint8)

    def _shown(self, printed: Image) -> Image:
        if not self._sheet.is_screen:
            return printed
        size = printed.shape[1] * ENLARGED, printed.shape[0] * ENLARGED
        enlarged = cv2.resize(printed, size, interpolation=cv2.INTER_CUBIC)
        return _on_screen(np.asarray(enlarged, np.uint8))


class SwappedSheets:
    """Who shows the `frontal` photograph, and for a turn one of the same person who looks aside."""

    def __init__(self, frontal: Portrait, aside: Portrait, scene: Scene, sheet: Sheet) -> None:
        """`aside`: looks to their own left; for the other side it is mirrored."""
        self._frontal = FlatSheet(frontal, scene, sheet)
        self._left = FlatSheet(aside, scene, sheet)
        self._right = FlatSheet(aside.mirrored, scene, sheet)

    def seen(self, pose: Pose) -> Image:
        if abs(pose.turned) < SWAPPED_FROM:
            return self._frontal.seen(pose)
        return (self._left if pose.turned > 0 else self._right).seen(pose)


def _arc(length: Floats, degrees: float) -> tuple[Floats, Floats]:
    """Along and back: where a point of a strip is that is bent by so many degrees in a unit of length."""
    if abs(degrees) < 1e-6:
        return length, np.zeros_like(length)
    radius = 1 / np.radians(degrees)
    angle = np.clip(length / radius, -1.4, 1.4)
    return radius * np.sin(angle), radius * (1 - np.cos(angle))


def _on_screen(picture: Image) -> Image:
    """In red, green and blue stripes, with dark lines between pixels: what moire comes of."""
    height, width = picture.shape[:2]
    column = np.arange(width) % ENLARGED
    stripes = np.stack(
        [np.where(column // 2 == 2 - channel, 1.1, 0.95) for channel in range(3)], -1
    )
    lines = np.where(np.arange(height) % ENLARGED == 0, 0.9, 1.02)
    glow = picture * np.float32(1.1) + 6
    return np.asarray(np.clip(glow * stripes * lines[:, None, None], 0, 255), np.uint8)
