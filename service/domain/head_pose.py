"""Where a head looks is told by five landmarks; and whether they lie on a head or on a sheet, by the nose.

Eyes and corners of the mouth lie nearly in one plane, from which the nose stands out. Seen from elsewhere,
or in a picture that is moved, tilted or warped, that plane goes over into itself by a homography, and every
point of a flat sheet with it. What is left of the nose's way is its parallax (plane and parallax: Irani and
Anandan, ECCV 1996): none on a sheet, whatever is done to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
"""(5, 2) in pixels: the eyes, the nose, the corners of the mouth; the picture's left ones first."""

_OF_THE_PLANE = (0, 1, 4, 3)
"""Around: both eyes, both corners of the mouth."""

MOST_STRETCHED = 1.7
"""How many times as large a landmark's error may become: 1.4 in a head that is turned by 45 degrees."""


@dataclass(frozen=True, slots=True)
class Parallax:
    """How far the nose moved against the plane of eyes and mouth, in eye distances.

    `along`: the line of the eyes, to the picture's right. `down`: across it. `cosine`: of the plane's turn,
    by how much it is foreshortened. `relief`: how far the nose stands out of the plane, by its parallax in
    the direction of the turn; the mean face of InsightFace's 68 landmarks has 0.50.
    """

    along: float
    down: float
    cosine: float
    relief: float


def eye_distance(points: Points) -> float:
    return float(np.linalg.norm(points[1] - points[0]))


def middle_of_eyes(points: Points) -> Points:
    return np.asarray((points[0] + points[1]) / 2)


def upright(points: Points) -> Points:
    """In eye distances from the middle of the eyes, first along their line: the same wherever, however
    large and however rolled a face is seen.
    """
    places = points[:, 0] + 1j * points[:, 1]
    placed = (places - (places[0] + places[1]) / 2) / (places[1] - places[0])
    return np.column_stack((placed.real, placed.imag))


def yaw5(points: Points) -> float:
    """The nose's distance from the line between the middles of eyes and mouth, along the eyes, in eye
    distances; positive to the picture's right, where the person's left is. NaN where there is no such line.
    """
    down, eyes, nose = _axes(points)
    across = _cross(eyes, down)
    return _cross(nose, down) / across if across else math.nan


def pitch5(points: Points) -> float:
    """The nose's height between eyes (0) and mouth (1): about 0.55 from the front, less of who looks up."""
    down, _, nose = _axes(points)
    length = float(down @ down)
    return float(nose @ down) / length if length else math.nan


def height(points: Points) -> float:
    """From the eyes to the mouth, in pixels; turning leaves it as it is."""
    return float(np.linalg.norm(_axes(points)[0]))


def breadth(points: Points) -> float:
    """The eyes' distance over that from their middle to the mouth's: about 1 from the front, less of a
    face that is turned, or printed and bent or folded lengthwise.
    """
    return eye_distance(points) / height(points)


def parallax(points: Points, ahead: Points) -> Parallax | None:
    """Measured in `ahead`, so that no warp of `points` changes it.

    None where the four points are no view of a plane (not convex, or the other way around), or so narrow
    that errors would look like it.
    """
    seen, front = upright(points), upright(ahead)
    plane, wanted = seen[[*_OF_THE_PLANE]], front[[*_OF_THE_PLANE]]
    if not _is_convex(plane) or not _is_convex(wanted):
        return None
    nose, stretched = _mapped(_homography(plane, wanted), seen[2])
    if stretched > MOST_STRETCHED:
        return None
    moved = nose - front[2]
    cosine, direction = _turn(plane, wanted)
    relief = abs(float(moved @ direction)) * cosine / math.sqrt(max(1.0 - cosine**2, 1e-12))
    return Parallax(float(moved[0]), float(moved[1]), cosine, relief)


def _turn(plane: Points, wanted: Points) -> tuple[float, Points]:
    """The cosine by which `plane` is turned against `wanted`, and the direction in which it is foreshortened.

    By the singular values of the affine map that is nearest to the homography.
    """
    affine = np.linalg.lstsq(wanted - wanted.mean(axis=0), plane - plane.mean(axis=0), rcond=None)[
        0
    ]
    directions, lengths, _ = np.linalg.svd(affine)
    return float(lengths[1] / lengths[0]), np.asarray(directions[:, 1])


def _axes(points: Points) -> tuple[Points, Points, Points]:
    """From the middle of the eyes: to the middle of the mouth, to the right eye's side, to the nose."""
    eyes = middle_of_eyes(points)
    mouth = (points[3] + points[4]) / 2
    return mouth - eyes, points[1] - points[0], points[2] - eyes


def _cross(one: Points, other: Points) -> float:
    return float(one[0] * other[1] - one[1] * other[0])


def _is_convex(around: Points) -> bool:
    """All corners turn clockwise in the picture, whose second axis points down."""
    edges = np.roll(around, -1, axis=0) - around
    return all(_cross(edges[i], edges[(i + 1) % 4]) > 0 for i in range(4))


def _homography(source: Points, target: Points) -> Points:
    """(3, 3): takes the four points of `source` to those of `target`."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    eight = np.linalg.lstsq(np.asarray(rows, np.float64), target.reshape(8), rcond=None)[0]
    return np.append(eight, 1.0).reshape(3, 3)


def _mapped(homography: Points, point: Points) -> tuple[Points, float]:
    """Where `point` comes to lie, and how many times as far from it what lies beside it, at most."""
    x, y, scale = homography @ np.append(point, 1.0)
    there = np.array([x / scale, y / scale])
    nearby = (homography[:2, :2] - np.outer(there, homography[2, :2])) / scale
    return there, float(np.linalg.norm(nearby, ord=2))
