"""Pictures of a face on a sheet that is moved, tilted, bent or warped before the camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.domain.head_pose import Points, upright
from tests.domain.heads import project, rotation

Bend = tuple[float, float, float]
"""Curvature, of one over an eye distance, positive with the middle toward the camera; the angle of the
cylinder's axis; and its distance from the middle of the eyes, in eye distances."""

FLAT: Bend = (0.0, 0.0, 0.0)


def warped(points: Points, homography: NDArray[np.float64]) -> Points:
    """`homography`: (3, 3), of places in eye distances from the middle of the eyes."""
    placed = np.column_stack((upright(points), np.ones(len(points)))) @ homography.T
    return np.asarray(placed[:, :2] / placed[:, 2:])


@dataclass(frozen=True, slots=True)
class Sheet:
    """`points`: as the face was photographed."""

    points: Points

    def seen(
        self,
        bend: Bend,
        turned: float,
        tilted: float,
        distance: float,
        place: Sequence[float] = (0, 0),
    ) -> Points:
        """As `Head.seen`, without noise. `place`: eye distances from the middle of the picture."""
        solid = self._bent(bend) @ rotation(turned, tilted).T
        return project(solid + np.array((*place, 0.0)), distance)

    def _bent(self, bend: Bend) -> NDArray[np.float64]:
        curvature, axis, off = bend
        across = np.array([np.cos(axis), np.sin(axis)])
        along = np.array([-np.sin(axis), np.cos(axis)])
        placed = upright(self.points)
        way, level = placed @ across - off, placed @ along
        if abs(curvature) > 1e-6:
            depth = (1 - np.cos(way * curvature)) / curvature
            way = np.sin(way * curvature) / curvature
        else:
            depth = np.zeros(len(placed))
        flat = np.outer(way, across) + np.outer(level, along)
        solid = np.column_stack((flat, depth))
        return np.asarray(solid - solid.mean(axis=0))
