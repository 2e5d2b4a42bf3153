"""Photographs made worse, each by a known share of the distance between the eyes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Box, Image

Points: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Portrait:
    """`landmarks`: (5, 2): eyes, nose, corners of the mouth."""

    person: str
    image: Image
    landmarks: Points
    box: Box

    @property
    def eye_distance(self) -> float:
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))


Alteration: TypeAlias = Callable[[Portrait], Image]


def blurred(share: float) -> Alteration:
    """Out of focus, by a Gaussian of `share` of the eye distance."""
    return lambda p: _image(cv2.GaussianBlur(p.image, (0, 0), share * p.eye_distance))


def noisy(alteration: Alteration, deviation: float) -> Alteration:
    """As a sensor takes what the lens gives."""

    def altered(p: Portrait) -> Image:
        picture = alteration(p)
        noise = np.random.default_rng(0).normal(0.0, deviation, picture.shape)
        return _image(np.clip(np.rint(picture + noise), 0, 255))

    return altered


def compressed(alteration: Alteration, quality: int) -> Alteration:
    """As JPEG of this quality, 1 to 100: the edges of its blocks look like detail."""

    def altered(p: Portrait) -> Image:
        _, encoded = cv2.imencode(".jpg", alteration(p), [cv2.IMWRITE_JPEG_QUALITY, quality])
        return _image(cv2.imdecode(encoded, cv2.IMREAD_COLOR))

    return altered


def hazy(contrast: float) -> Alteration:
    """Behind a veil that leaves this share of the contrast, 0 to 1, and is brighter than most faces."""
    return lambda p: _image(np.rint(p.image * contrast + 110))


def moved(share: float, *, upwards: bool = False) -> Alteration:
    """As far as `share` of the eye distance while the shutter was open."""

    def altered(p: Portrait) -> Image:
        way = np.full((1, max(1, round(share * p.eye_distance))), 1.0)
        kernel = (way.T if upwards else way) / way.size
        return _image(cv2.filter2D(p.image, -1, kernel))

    return altered


def of_width(pixels: int) -> Alteration:
    """The face was `pixels` wide, and the picture enlarged."""

    def altered(p: Portrait) -> Image:
        height, width = p.image.shape[:2]
        scale = pixels / (p.box[2] - p.box[0])
        size = max(1, round(width * scale)), max(1, round(height * scale))
        reduced = cv2.resize(p.image, size, interpolation=cv2.INTER_AREA)
        return _image(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR))

    return altered


def lit(share: float) -> Alteration:
    """In `share` of the light, 1 being that of the photograph; what exceeds 255 is white."""
    return lambda p: _image(np.clip(np.rint(p.image * share), 0, 255))


def turned(quarters: int) -> Alteration:
    return lambda p: np.ascontiguousarray(np.rot90(p.image, quarters))


def masked(p: Portrait) -> Image:
    """From the nose to the chin."""
    _, _, nose, *_ = p.landmarks
    across, down = _axes(p)
    corners = [(-0.95, 0.0), (0.95, 0.0), (0.8, 0.8), (0.35, 1.25), (-0.35, 1.25), (-0.8, 0.8)]
    outline = [nose + x * across + (y - 0.1) * down for x, y in corners]
    picture = p.image.copy()
    cv2.fillPoly(picture, [np.rint(outline).astype(np.int32)], (200, 180, 160))
    return picture


def masked_behind_sunglasses(p: Portrait) -> Image:
    picture, (across, _) = masked(p), _axes(p)
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    size = 0.8 * p.eye_distance, 0.55 * p.eye_distance
    for eye in p.landmarks[:2]:
        cv2.ellipse(picture, ((float(eye[0]), float(eye[1])), size, angle), (15, 15, 15), -1)
    return picture


def _axes(p: Portrait) -> tuple[Points, Points]:
    """From eye to eye, and from there down the face, both as long as the eyes are apart."""
    across = p.landmarks[1] - p.landmarks[0]
    return across, np.asarray([-across[1], across[0]], np.float32)


def _image(pixels: object) -> Image:
    return np.asarray(pixels, dtype=np.uint8)
