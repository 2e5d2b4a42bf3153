"""The frames that a kiosk sends: what stands before its camera goes from pose to pose.

A head does what it is told. Who holds a sheet does with it what looks most like that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from service.domain.challenge import Step
from tests.liveness.scene import Pose, Presented, jpeg

FRAMES = 6
"""Of a call."""

STANCE = np.array([2.0, 2.0, 2.0, 0.04, 0.2, 0.15])
"""Standard deviations of how somebody stands there from the beginning, as a pose's numbers."""

MOST_TURNED, MOST_TILTED = 62.0, 42.0
"""Degrees beyond which nobody goes on: a face is not seen."""

Goals = Mapping[Step, Pose]
"""Where each movement ends; `near` is that of whoever has come closer."""


def goals(turn: float = 36.0, up: float = 22.0, down: float = 20.0, near: float = 1.9) -> Goals:
    """Degrees, and how many times as near."""
    return {
        Step.LOOK_AHEAD: Pose(),
        Step.TURN_LEFT: Pose(turned=turn),
        Step.TURN_RIGHT: Pose(turned=-turn),
        Step.LOOK_UP: Pose(tilted=-up),
        Step.LOOK_DOWN: Pose(tilted=down),
        Step.COME_CLOSER: Pose(near=near),
    }


def goals_of_sheet(random: np.random.Generator) -> Goals:
    """As far as a hand may turn, tilt and bring nearer a sheet."""
    turn, up, down = random.uniform((25, 12, 12), (60, 40, 40))
    return goals(turn, up, down, random.uniform(1.65, 2.0))


@dataclass(slots=True)
class Presenter:
    """Shows itself, or what it holds, in one session after the other."""

    presented: Presented
    goals: Goals
    random: np.random.Generator
    pose: Pose = field(default_factory=Pose)
    stance: Pose = field(init=False)

    def __post_init__(self) -> None:
        self.stance = Pose().shifted(STANCE * self.random.standard_normal(len(STANCE)))

    def frames(self, step: Step, effort: float = 1.0, count: int = FRAMES) -> list[bytes]:
        """JPEGs from the pose before to the step's own.

        `effort`: share of the goal to which to go: more than 1 for whoever was told to go further.
        """
        goal = Pose().towards(self.goals[step], effort)
        near = goal.near if step is Step.COME_CLOSER else self.pose.near
        goal = replace(goal, near=near, turned=_within(goal.turned, MOST_TURNED))
        goal = replace(goal, tilted=_within(goal.tilted, MOST_TILTED))
        poses = [self.pose.towards(goal, each / count) for each in range(1, count + 1)]
        self.pose = goal
        return [jpeg(self.presented.seen(self._stood(pose))) for pose in poses]

    def look_ahead(self) -> None:
        """Before a movement is begun anew, and more straightly than before."""
        self.pose = Pose(near=self.pose.near)
        self.stance = Pose().towards(self.stance, 0.5)

    def _stood(self, pose: Pose) -> Pose:
        return self.stance.shifted(pose.numbers - Pose().numbers).swayed(self.random)


def _within(degrees: float, most: float) -> float:
    return max(-most, min(most, degrees))
