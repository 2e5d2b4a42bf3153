"""Heads made in three dimensions, and the frames of a session that are looked at while they move.

A head is an ellipsoid with eyes, a nose and a mouth; lengths are in eye distances, the camera is a
pinhole, and every landmark has its noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from service.domain.active_liveness import frontal_frame
from service.domain.challenge import TURNS, Step
from service.domain.face import Embedding
from service.domain.head_pose import Points
from service.domain.liveness_session import DETECTION, EMBEDDING, MOST_COST
from service.domain.step_pose import (
    Doubt,
    Frame,
    doubt_of_front,
    doubt_of_step,
    is_on_the_way,
    share_of_way,
)

HALF_AXES = np.array([1.25, 1.8, 1.5])
"""Of a head of 15.5 cm by 22 cm, whose eyes are 6.3 cm apart."""

FOCAL_LENGTH = 2000.0
PICTURE = 1000.0
"""Pixels."""

Solid = NDArray[np.float64]
"""(n, 3): to the picture's right, down, away from the camera."""


def unit(vector: NDArray[np.float64]) -> Embedding:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def rotation(turned: float, tilted: float, rolled: float = 0.0) -> Solid:
    """Degrees: to the head's own left, which is the picture's right; down; clockwise in the picture."""
    y, x, z = np.radians([turned, tilted, rolled])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def project(points: Solid, distance: float) -> Points:
    depth = points[:, 2] + distance
    return np.asarray(points[:, :2] / depth[:, np.newaxis] * FOCAL_LENGTH + PICTURE / 2)


def noisy(points: Points, noise: float, random: np.random.Generator) -> Points:
    """`noise`: of a landmark, in eye distances."""
    eyes = float(np.linalg.norm(points[1] - points[0]))
    return points + random.normal(scale=noise * eyes, size=points.shape)


def _on_the_skin(x: float, y: float, above: float = 0.0) -> list[float]:
    a, b, c = HALF_AXES
    return [x, y, -float(c * np.sqrt(1 - (x / a) ** 2 - (y / b) ** 2)) - above]


@dataclass(slots=True)
class Head:
    """One of the people that there are, before one of the cameras.

    `nose`: how far it stands out of the ellipsoid, which adds 0.15. `distance`: of the face from the camera.
    `camera`: degrees by which it looks up at the face, or down. `noise`: see `noisy`.
    """

    random: np.random.Generator
    nose: float = 0.35
    distance: float = 9.0
    noise: float = 0.012
    camera: float = 0.0
    face: Embedding = field(init=False)
    points: Solid = field(init=False)

    @classmethod
    def any(cls, random: np.random.Generator) -> Head:
        """Noses that stand out by 2.6 to 3.8 cm, distances of 44 cm to a meter."""
        return cls(
            random,
            nose=random.uniform(0.26, 0.45),
            distance=random.uniform(7.0, 16.0),
            noise=random.uniform(0.01, 0.02),
            camera=random.uniform(-10.0, 10.0),
        )

    def __post_init__(self) -> None:
        self.face = unit(self.random.normal(size=512))
        mouth, length = self.random.uniform(0.32, 0.44), self.random.uniform(0.92, 1.12)
        top = -0.35
        nose = top + length * self.random.uniform(0.5, 0.6)
        self.points = np.array(
            [
                _on_the_skin(-0.5, top),
                _on_the_skin(0.5, top),
                _on_the_skin(0.0, nose, self.nose),
                _on_the_skin(-mouth, top + length),
                _on_the_skin(mouth, top + length),
            ]
        )

    def seen(self, turned: float, tilted: float, near: float = 1.0) -> Points:
        """`near`: how many times as near as at the start."""
        pose = rotation(turned, tilted + self.camera, self.random.normal(scale=3.0))
        place = np.append(self.random.normal(scale=0.1, size=2), 0.0)
        eyes_at = float(HALF_AXES[2])
        points = project(self.points @ pose.T + place, self.distance / near + eyes_at)
        return noisy(points, self.noise, self.random)

    def embedding(self, turned: float) -> Embedding:
        """Of a face that is recognized worse the more it is turned: cosine 0.9 to 0.7 with it from the front."""
        cosine = 0.9 - 0.2 * min(abs(turned), 45.0) / 45.0
        other = unit(self.random.normal(size=512))
        return unit(cosine * self.face + np.sqrt(1 - cosine**2) * other)

    def frame(self, step: int, pose: Pose) -> Frame:
        """As one that was accepted."""
        return Frame(step, self.seen(*pose), self.embedding(pose[0]))


Pose = tuple[float, float, float]
"""Degrees to the left, degrees down, how many times as near."""

DIRECTIONS: dict[Step, tuple[float, float]] = {
    Step.TURN_LEFT: (1.0, 0.0),
    Step.TURN_RIGHT: (-1.0, 0.0),
    Step.LOOK_UP: (0.0, -1.0),
    Step.LOOK_DOWN: (0.0, 1.0),
    Step.COME_CLOSER: (0.0, 0.0),
    Step.LOOK_AHEAD: (0.0, 0.0),
}

FRAMES_OF_A_BATCH = 8
TOO_FAR = (Doubt.TURN_LESS, Doubt.TILT_LESS)
TOO_LITTLE = (Doubt.TURN_FURTHER, Doubt.TILT_FURTHER, Doubt.FLAT)
LESS, MORE = -6.0, 7.0
"""Degrees, after advice."""


@dataclass(slots=True)
class Person:
    """Moves their head as they are told, and is looked at as sparingly as a session looks."""

    head: Head
    looked_at: list[Frame] = field(default_factory=list)
    pose: Pose = (0.0, 0.0, 1.0)
    advice: Doubt | None = None
    turns: float = field(init=False)
    tilts: float = field(init=False)

    def __post_init__(self) -> None:
        self.turns, self.tilts = self.head.random.normal((33.0, 21.0), (3.0, 3.0))

    def answer(self, challenge: Sequence[Step]) -> list[Frame]:
        """All frames that were looked at, until every step is accepted or no looks are left."""
        number = 0
        while number < len(challenge) and self.cost + DETECTION + EMBEDDING <= MOST_COST:
            step = challenge[number]
            self.advice = self._batch(number, step, self._goal(step))
            number += self.advice is None
            self._learn(step)
        return self.looked_at

    def _learn(self, step: Step) -> None:
        """Who was told how far to turn, or tilt, does so the next time as well."""
        change = LESS if self.advice in TOO_FAR else MORE if self.advice in TOO_LITTLE else 0.0
        if step in TURNS:
            self.turns += change
        else:
            self.tilts += change

    def _goal(self, step: Step) -> Pose:
        turned, tilted = DIRECTIONS[step]
        near = self.pose[2]
        if step is Step.COME_CLOSER:
            near *= 1.15 if self.advice is Doubt.CLOSER else 1.8
        sway = self.head.random.normal(scale=2.0, size=2)
        return (turned * self.turns + sway[0], tilted * self.tilts + sway[1], near)

    def _batch(self, number: int, step: Step, goal: Pose) -> Doubt | None:
        """The last frame is looked at first; where it has reached the pose, others by halves."""
        *before, end = [self.head.frame(number, pose) for pose in self._way(goal)]
        self.pose = goal
        ahead = frontal_frame(self.looked_at)
        doubt = doubt_of_front(end) if ahead is None else doubt_of_step(step, end, ahead)
        if doubt is None and ahead is not None and step in TURNS:
            doubt = self._doubt_of_way(ahead, before, end)
        is_embedded = doubt in (None, Doubt.TURN_FURTHER)
        self.looked_at.append(end if is_embedded else replace(end, embedding=None))
        return doubt

    def _doubt_of_way(self, ahead: Frame, before: Sequence[Frame], end: Frame) -> Doubt | None:
        """Who fell short has shown the way; of others frames before the end are looked at."""
        short = [each for each in self.looked_at if each.step == end.step]
        if any(is_on_the_way(ahead, each, end) for each in short):
            return None
        looks = _by_halves(ahead, before, end)
        self.looked_at += looks
        is_seen = any(is_on_the_way(ahead, each, end) for each in looks)
        return None if is_seen else Doubt.WAY_UNSEEN

    @property
    def cost(self) -> int:
        embedded = sum(frame.embedding is not None for frame in self.looked_at)
        return DETECTION * len(self.looked_at) + EMBEDDING * embedded

    def _way(self, goal: Pose) -> list[Pose]:
        """Some come back before they begin, and all who are told to."""
        moving = int(self.head.random.integers(5, FRAMES_OF_A_BATCH))
        shares = np.minimum(np.arange(1, FRAMES_OF_A_BATCH + 1) / moving, 1.0)
        start, end = np.array(self.pose), np.array(goal)
        comes_back = self.advice in (*TOO_FAR, Doubt.WAY_UNSEEN) or self.head.random.random() < 0.5
        middle = np.array((0.0, 0.0, start[2])) if comes_back else (start + end) / 2
        poses = [
            start + 2 * share * (middle - start)
            if share <= 0.5
            else middle + (2 * share - 1) * (end - middle)
            for share in shares
        ]
        return [(float(pose[0]), float(pose[1]), float(pose[2])) for pose in poses]


def _by_halves(ahead: Frame, before: Sequence[Frame], end: Frame) -> list[Frame]:
    """What is looked at until a frame is on the way, in the order in which it was taken."""
    low, high, looked_at = 0, len(before), {}
    while low < high:
        middle = (low + high) // 2
        looked_at[middle] = before[middle]
        if is_on_the_way(ahead, before[middle], end):
            break
        if share_of_way(ahead, before[middle], end) < 0.5:
            low = middle + 1
        else:
            high = middle
    return [looked_at[place] for place in sorted(looked_at)]


def session_of(head: Head, challenge: Sequence[Step]) -> list[Frame]:
    return Person(head).answer(challenge)
