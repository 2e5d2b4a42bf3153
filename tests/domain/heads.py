"""Heads made in three dimensions, sheets that show them, and the frames that a camera sees of either.

A head is an ellipsoid with eyes, a nose and a mouth; lengths are in eye distances, the camera is a
pinhole, and every landmark has its noise. A sheet has the five points as the head shows them from the front.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.domain.active_liveness import Frame, doubt_of_step
from service.domain.challenge import Step
from service.domain.face import Embedding
from service.domain.head_pose import Points

NOISE = 0.012
"""Of a landmark, in eye distances: what one finds in neighboring frames."""

HALF_AXES = np.array([1.25, 1.8, 1.5])
"""Of a head of 15.5 cm by 22 cm, whose eyes are 6.3 cm apart."""

PIXELS = 400.0

Solid = NDArray[np.float64]


@dataclass(slots=True)
class Head:
    """`nose`: how far it stands out of the ellipsoid. `distance`: from the camera."""

    random: np.random.Generator
    nose: float = 0.40
    distance: float = 9.0
    face: Embedding = field(init=False)
    points: Solid = field(init=False)

    def __post_init__(self) -> None:
        self.face = unit(self.random.normal(size=512))
        outer = [(-0.5, -0.35), (0.5, -0.35), (-0.38, 0.65), (0.38, 0.65)]
        eyes_and_mouth = [np.array([x, y, -_depth(x, y)]) for x, y in outer]
        tip = np.array([0.0, 0.2, -_depth(0.0, 0.2) - self.nose])
        left, right, *mouth = eyes_and_mouth
        self.points = np.stack([left, right, tip, *mouth])

    def seen(self, turned: float, tilted: float, near: float = 1.0) -> Points:
        """`turned`: degrees to the head's own left. `tilted`: down. `near`: how many times as near."""
        return self.noisy(project(self.points @ _rotation(turned, tilted).T, self.distance / near))

    def noisy(self, points: Points) -> Points:
        eyes = float(np.linalg.norm(points[1] - points[0]))
        return points + self.random.normal(scale=NOISE * eyes, size=points.shape)

    def frame(self, step: int, turned: float, tilted: float, near: float = 1.0) -> Frame:
        return Frame(step, self.seen(turned, tilted, near), self.embedding(turned))

    def embedding(self, turned: float) -> Embedding:
        """Of a face that is recognized worse the more it is turned: cosine 0.85 to 0.55 with itself."""
        cosine = 0.85 - 0.3 * min(abs(turned), 45.0) / 45.0
        other = unit(self.random.normal(size=512))
        return unit(cosine * self.face + np.sqrt(1 - cosine**2) * other)


def _depth(x: float, y: float) -> float:
    a, b, c = HALF_AXES
    return float(c * np.sqrt(1 - (x / a) ** 2 - (y / b) ** 2))


def unit(vector: NDArray[np.float64]) -> Embedding:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _rotation(turned: float, tilted: float) -> Solid:
    """The face looks along -z; to its own left is +x in the picture."""
    y, x = np.radians(turned), np.radians(tilted)
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    return np.asarray(about_y @ about_x)


def project(points: Solid, distance: float) -> Points:
    depth = points[:, 2] + distance
    return np.asarray(points[:, :2] / depth[:, np.newaxis] * PIXELS * 5 + PIXELS)


AT_ONCE: dict[Step, tuple[float, float, float]] = {
    Step.TURN_LEFT: (1.0, 0.0, 0.0),
    Step.TURN_RIGHT: (-1.0, 0.0, 0.0),
    Step.LOOK_UP: (0.0, -1.0, 0.0),
    Step.LOOK_DOWN: (0.0, 1.0, 0.0),
    Step.COME_CLOSER: (0.0, 0.0, 1.0),
    Step.LOOK_AHEAD: (0.0, 0.0, 0.0),
}

FURTHEST = 50.0


def session_of(head: Head, challenge: Sequence[Step]) -> list[Frame]:
    """What somebody does who is told to go on until it is enough, and is seen on the way."""
    ahead = head.frame(0, *head.random.normal(scale=1.5, size=2))
    frames, pose, near = [ahead], np.zeros(2), 1.0
    for number, step in enumerate(challenge[1:], 1):
        turned, tilted, closer = AT_ONCE[step]
        start = pose
        for share in np.arange(0.1, 1.001, 0.1):
            goal = np.array([turned, tilted]) * FURTHEST * share
            pose = goal if share > 0.3 else start * (1 - share / 0.3) + goal
            near = near * 1.07 if closer else near
            sway = head.random.normal(scale=1.0, size=2)
            frames.append(head.frame(number, *(pose + sway), near))
            if share > 0.3 and doubt_of_step(step, frames[-1], ahead) is None:
                break
    return frames


Warp = Callable[[Points], Points]
