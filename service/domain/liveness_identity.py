"""One person is in all frames of a liveness session: else a picture of somebody would be followed by another head."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from service.domain.challenge import TURNS, Step
from service.domain.face import Embedding
from service.domain.step_pose import Frame

LIKE_THE_ENROLLED = frozenset({Step.LOOK_AHEAD, *TURNS})
"""Steps whose frames are compared with a template as well: of turned heads 0 of 3,011 pairs of photographs of
one person, of other days, are below 0.30; whoever looks up or down is less like themselves."""


@dataclass(frozen=True, slots=True)
class SamePerson:
    """Cosines from which two embeddings of the served model are one person's: of any pose, and where both look
    ahead, which leaves no excuse for less than a profile asks.
    """

    in_any_pose: float
    ahead: float


def is_one_person(
    challenge: Sequence[Step],
    frames: Sequence[Frame],
    face: Embedding,
    same_person: SamePerson,
    steps: Collection[Step] = frozenset(Step),
) -> bool:
    """Whether every embedded frame of these steps shows the person of `face`, who looks ahead.

    Not frame against frame: who looks up is as unlike who looks down as a stranger is.
    """
    for frame in frames:
        step = challenge[frame.step] if frame.step < len(challenge) else None
        if frame.embedding is None or step not in steps:
            continue
        least = same_person.ahead if step is Step.LOOK_AHEAD else same_person.in_any_pose
        if not float(frame.embedding @ face) >= least:
            return False
    return True
