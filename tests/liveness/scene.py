"""A room, a camera and its sensor: what every picture of a presented head or sheet has in common.

Lengths are in eye distances, x to the picture's right, y down, z away from the camera, which is a
pinhole at the origin. A picture is 640 x 480 pixels and sees 53 degrees across.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image

WIDTH, HEIGHT = 640, 480
FOCAL_LENGTH = 640.0
"""Pixels."""

FAR = 11.5
"""Eye distances from the camera to somebody who looks ahead: about 73 cm, 55 pixels between the eyes."""

NEAREST, FARTHEST = 0.5, 100.0
"""Eye distances from the camera beyond which nothing is drawn."""

SWAY = np.array([0.8, 0.8, 0.6, 0.008, 0.03, 0.03])
"""Standard deviations of a pose's numbers."""

JPEG_QUALITY = 90
READ_NOISE, SHOT_NOISE = 1.2, 0.12
"""Standard deviation of a pixel in the dark, and what the root of its brightness adds."""

Solid = NDArray[np.float64]
"""(n, 3): points."""


@dataclass(frozen=True)
class Pose:
    """`turned`: degrees to the person's own left. `tilted`: down. `rolled`: to the person's own right shoulder.

    `near`: how many times as near as `FAR`. `aside`, `down`: where the middle of the eyes is, in eye distances.
    """

    turned: float = 0.0
    tilted: float = 0.0
    rolled: float = 0.0
    near: float = 1.0
    aside: float = 0.0
    down: float = -0.5

    def towards(self, other: Pose, share: float) -> Pose:
        """`share`: 0 is this pose, 1 the other."""
        return _pose(self.numbers + share * (other.numbers - self.numbers))

    def shifted(self, by: Solid) -> Pose:
        """`by`: what is added to each number."""
        return _pose(self.numbers + by)

    def swayed(self, random: np.random.Generator) -> Pose:
        """Nobody keeps still."""
        return self.shifted(SWAY * random.standard_normal(len(SWAY)))

    @property
    def numbers(self) -> Solid:
        return np.array(astuple(self))

    @property
    def rotation(self) -> Solid:
        """(3, 3)."""
        y, x, z = np.radians((self.turned, self.tilted, self.rolled))
        about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
        return np.asarray(about_z @ about_y @ about_x)

    @property
    def place(self) -> Solid:
        """(3,)."""
        return np.array([self.aside, self.down, FAR / self.near])


def _pose(numbers: Solid) -> Pose:
    return Pose(*map(float, numbers))


class Presented(Protocol):
    def seen(self, pose: Pose) -> Image:
        """What the camera sees: another picture each time."""
        ...


@dataclass(frozen=True, slots=True)
class Surface:
    """A mesh with a picture on it. `points`: (rows, columns, 3). `places`: (rows, columns, 2), pixels of `picture`."""

    points: Solid
    places: NDArray[np.float64]
    picture: Image

    def triangles(self) -> NDArray[np.int32]:
        rows, columns = self.points.shape[:2]
        first = np.arange(rows * columns).reshape(rows, columns)[:-1, :-1].reshape(-1, 1)
        upper = first + np.array([0, columns, 1])
        lower = first + np.array([1, columns, columns + 1])
        return np.concatenate((upper, lower)).astype(np.int32)


def projected(points: Solid) -> NDArray[np.float64]:
    """(…, 2) in pixels."""
    middle = np.array([WIDTH / 2, HEIGHT / 2])
    return np.asarray(FOCAL_LENGTH * points[..., :2] / points[..., 2:] + middle)


def drawn(surface: Surface, points: Solid, behind: Image) -> Image:
    """`behind` with the surface before it, whose points have come to lie at `points`."""
    height, width = surface.picture.shape[:2]
    share = np.clip(surface.places.reshape(-1, 2) / (width, height), 0, 1)
    colors = np.column_stack((share, np.ones(len(share)))).astype(np.float32)
    # The rasterizer's y points up and its z towards the viewer.
    vertices = (points.reshape(-1, 3) * (1.0, -1.0, -1.0)).astype(np.float32)
    found = _rasterized(vertices, surface.triangles(), colors)
    columns, rows = found[:, :, 0] * width, found[:, :, 1] * height
    seen = cv2.remap(
        surface.picture, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(np.where(found[:, :, 2:] > 0.5, seen, behind), np.uint8)


def _rasterized(
    vertices: NDArray[np.float32], triangles: NDArray[np.int32], colors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(HEIGHT, WIDTH, 3): the color of the nearest triangle in each pixel, black where there is none."""
    found = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    depth = np.full((HEIGHT, WIDTH), FARTHEST, np.float32)
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(cv2.RASTERIZE_CULLING_NONE)
    settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
    height_seen = 2 * np.arctan(HEIGHT / 2 / FOCAL_LENGTH)
    near = (height_seen, NEAREST, FARTHEST, settings)
    cv2.triangleRasterize(vertices, triangles, colors, found, depth, np.eye(4), *near)
    return found


class Scene:
    """A room with one person in it, or with what is held up, and the camera; the same for a seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._cloth = self._random.uniform(20, 200, 3)
        self.wall = self._wall()

    def with_body(self, place: Solid, skin: Solid) -> Image:
        """The wall, and before it neck and shoulders below a head whose eyes are at `place`."""
        room = self.wall.copy()
        scale = FOCAL_LENGTH / place[2]
        x, y = projected(place)
        cloth = self._cloth.tolist()
        center = int(x), int(y + 4.1 * scale)
        cv2.ellipse(room, center, (int(3.3 * scale), int(1.9 * scale)), 0, 0, 360, cloth, -1)
        corners = (
            (int(x - 0.8 * scale), int(y + scale)),
            (int(x + 0.8 * scale), int(y + 2.5 * scale)),
        )
        cv2.rectangle(room, *corners, (0.75 * skin).tolist(), -1)
        return np.asarray(cv2.GaussianBlur(room, (0, 0), 1.0), np.uint8)

    def taken(self, light: Image) -> Image:
        """What the sensor makes of it: blurred a little by the lens, and with noise, each time another."""
        blurred = cv2.GaussianBlur(light, (0, 0), 0.6).astype(np.float32)
        noise = self._random.standard_normal(blurred.shape, np.float32)
        level = READ_NOISE + SHOT_NOISE * np.sqrt(blurred)
        return np.asarray(np.clip(blurred + level * noise, 0, 255), np.uint8)

    def _wall(self) -> Image:
        """Plain, unevenly lit, with the edge of a door."""
        random = self._random
        color = random.uniform(90, 200, 3)
        light = cv2.resize(
            random.uniform(0.75, 1.1, (4, 5)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
        )
        grain = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)), (0, 0), 1.5)
        wall = (color * light[:, :, None]) + 6 * grain[:, :, None]
        door = int(random.uniform(0.03, 0.15) * WIDTH)
        wall[:, :door] *= 0.6
        return np.asarray(np.clip(wall, 0, 255), np.uint8)


def jpeg(picture: Image) -> bytes:
    """As a kiosk sends it."""
    done, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done
    return content.tobytes()
