"""Whether a challenge was met by a head is judged by the landmarks and embeddings of the frames that were looked at.

Of each step few frames are: its end, those that did not reach it, and of a turn one on the way. This stops a
print that is flat or bent a little, a still screen, and frames of another session. It does not see a print that is
folded along the nose or rolled to a tube, a video of the person that was made to order, prints of the person from
every side that are changed fast, a mask of the person, or a generated stream. What was measured, and on what, stands in docs/liveness.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise

import numpy as np

from service.domain.challenge import TURNS, Step
from service.domain.head_pose import Points, height, middle_of_eyes, upright
from service.domain.liveness_identity import SamePerson, is_one_person
from service.domain.passive_liveness import looks_attacked
from service.domain.step_pose import (
    Doubt,
    Frame,
    doubt_of_front,
    doubt_of_step,
    is_on_the_way,
)


class Verdict(StrEnum):
    """Part of the contract."""

    LIVE = "live"
    ATTACK_SUSPECTED = "attack_suspected"
    INCONCLUSIVE = "inconclusive"


ATTACKS = frozenset((Doubt.FLAT, Doubt.ANOTHER_PERSON, Doubt.REPEATED))

JUMP_OF_PLACE = 2.0
"""Heights of the face, from the way to the end of a turn. Of 2,381 turns none had more than 1.0; somebody
who fell short and goes on has swayed meanwhile."""

JUMP_OF_SCALE = 1.6
"""As `JUMP_OF_PLACE`; the greatest had 1.2."""

SAME_POINTS = 0.001
"""Eye distances between the landmarks of one frame sent twice; those of two frames of somebody who keeps
still are further apart."""


@dataclass(frozen=True, slots=True)
class Judgment:
    verdict: Verdict
    doubts: tuple[Doubt, ...] = ()

    def with_attack(self, doubt: Doubt) -> Judgment:
        """With one of `ATTACKS` that the frames alone do not show."""
        return Judgment(Verdict.ATTACK_SUSPECTED, tuple(dict.fromkeys((*self.doubts, doubt))))


def judge(challenge: Sequence[Step], frames: Sequence[Frame], same_person: SamePerson) -> Judgment:
    """`frames`: all that were looked at, in the order in which they were taken, whether they reached their
    step's pose or not.
    """
    found = {
        *_doubts_of_steps(challenge, frames),
        *_doubts_of_repetition(frames),
        *_doubts_of_identity(challenge, frames, same_person),
        *_doubts_of_models(frames),
    }
    doubts = tuple(doubt for doubt in Doubt if doubt in found)
    if found & ATTACKS:
        return Judgment(Verdict.ATTACK_SUSPECTED, doubts)
    return Judgment(Verdict.INCONCLUSIVE if doubts else Verdict.LIVE, doubts)


def frontal_frame(frames: Sequence[Frame]) -> Frame | None:
    """The frame that ended the first step: all others are held against it, and it is compared."""
    first = [frame for frame in frames if frame.step == 0 and frame.embedding is not None]
    return first[-1] if first else None


def _doubts_of_steps(challenge: Sequence[Step], frames: Sequence[Frame]) -> Iterator[Doubt]:
    ahead = frontal_frame(frames)
    numbers = [frame.step for frame in frames]
    if (
        ahead is None
        or sorted(set(numbers)) != list(range(len(challenge)))
        or numbers != sorted(numbers)
    ):
        yield Doubt.TOO_FEW_FRAMES
    if ahead is None:
        return
    for number, step in enumerate(challenge):
        of_step = [frame for frame in frames if frame.step == number]
        if of_step:
            yield from _doubts_of_step(step, of_step, ahead)


def _doubts_of_step(step: Step, frames: Sequence[Frame], ahead: Frame) -> Iterator[Doubt]:
    """The last of `frames` is to end the step; of a turn, by which a head is told, one before it is to show the way."""
    *before, end = frames
    doubt = doubt_of_front(end) if end is ahead else doubt_of_step(step, end, ahead)
    if doubt is not None:
        yield doubt
    elif end.embedding is None:
        yield Doubt.TOO_FEW_FRAMES
    if step in TURNS:
        yield from _doubts_of_way(before, end, ahead)


def _doubts_of_way(before: Sequence[Frame], end: Frame, ahead: Frame) -> Iterator[Doubt]:
    """Between steps somebody may sway and step back unseen; from the frame on the way to the end they may not."""
    seen = [place for place, each in enumerate(before) if is_on_the_way(ahead, each, end)]
    if not seen:
        yield Doubt.WAY_UNSEEN
        return
    points = [frame.landmarks for frame in (*before[seen[-1] :], end)]
    if any(_is_jump(one, next_) for one, next_ in pairwise(points)):
        yield Doubt.JUMP


def _doubts_of_repetition(frames: Sequence[Frame]) -> Iterator[Doubt]:
    placed = [upright(frame.landmarks) for frame in frames]
    is_repeated = any(_is_same(one, other) for one, other in combinations(placed, 2))
    if is_repeated or any(frame.is_replayed for frame in frames):
        yield Doubt.REPEATED


def _doubts_of_identity(
    challenge: Sequence[Step], frames: Sequence[Frame], same_person: SamePerson
) -> Iterator[Doubt]:
    ahead = frontal_frame(frames)
    if ahead is None or ahead.embedding is None:
        return
    if not is_one_person(challenge, frames, ahead.embedding, same_person):
        yield Doubt.ANOTHER_PERSON


def _is_jump(one: Points, next_: Points) -> bool:
    sizes = sorted((height(one), height(next_)))
    place = float(np.linalg.norm(middle_of_eyes(next_) - middle_of_eyes(one)))
    return place > JUMP_OF_PLACE * sizes[1] or sizes[1] > JUMP_OF_SCALE * sizes[0]


def _is_same(one: Points, other: Points) -> bool:
    return bool(np.abs(one - other).max() <= SAME_POINTS)


def _doubts_of_models(frames: Sequence[Frame]) -> Iterator[Doubt]:
    """One signal, never the verdict alone. Only frames that are embedded count, and so are known to be of one
    person: others would outvote them.
    """
    seen = [frame for frame in frames if frame.passive is not None]
    scores = [
        frame.passive
        for frame in seen
        if isinstance(frame.passive, float) and frame.embedding is not None
    ]
    if scores and looks_attacked(scores):
        yield Doubt.LOOKS_ATTACKED
    elif seen and not scores:
        yield Doubt.NO_SIGNAL
