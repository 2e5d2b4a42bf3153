"""Whether a challenge was met by a head is judged by the landmarks and embeddings of the frames that were looked at.

Stops a print, bent or flat, a still screen, and frames of another session. It does not see a video of the
person that was made to order, a mask of the person, or a generated stream.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations, pairwise

import numpy as np

from service.domain.challenge import TURNS, Step
from service.domain.face import Embedding
from service.domain.head_pose import (
    Points,
    drawn_together,
    drawn_together_by_nose,
    eye_distance,
    middle_of_eyes,
    parallax,
    pitch5,
    relief,
    yaw5,
)
from service.domain.passive_liveness import NoSignal, looks_attacked


class Verdict(StrEnum):
    """Part of the contract."""

    LIVE = "live"
    ATTACK_SUSPECTED = "attack_suspected"
    INCONCLUSIVE = "inconclusive"


class Doubt(StrEnum):
    """Why a verdict is not `live`, for the person; each has its sentence in `service/texts`."""

    TOO_FEW_FRAMES = "too_few_frames"
    NOT_AHEAD = "not_ahead"
    TURN_FURTHER = "turn_further"
    TURN_LESS = "turn_less"
    OTHER_WAY = "other_way"
    TILT_FURTHER = "tilt_further"
    CLOSER = "closer"
    WAY_UNSEEN = "way_unseen"
    JUMP = "jump"
    NO_SIGNAL = "no_signal"
    FLAT = "flat"
    ANOTHER_PERSON = "another_person"
    REPEATED = "repeated"
    LOOKS_ATTACKED = "looks_attacked"


ATTACKS = frozenset((Doubt.FLAT, Doubt.ANOTHER_PERSON, Doubt.REPEATED, Doubt.LOOKS_ATTACKED))

TURN = 0.30
"""Change of `yaw5`. Of 180 photographs turned by hand as flat sheets none changed by 0.15, of 356 that
were bent to a cylinder none by 0.30; somebody who is asked to turn reaches 0.40."""

TURN_LESS = 0.60
"""Change of `yaw5` beyond which embeddings of one person differ as strangers' do (9 of 28 pairs): whoever
turns further could not be told from another."""

TILT = 0.15
"""Change of `pitch5`: of 120 flat photographs tilted by up to 30 degrees none reached it."""

CLOSER = 1.6
"""Eye distance over that of the frame that looks ahead."""

AHEAD = 0.12
"""`yaw5` and `pitch5` from what they are from the front, in the frame that all others are held against."""

BACK_AHEAD = 0.15
"""Change of either at the end, and of `yaw5` in frames that come closer."""

PITCH_AHEAD = 0.55

PARALLAX_OF_TURN = 0.25
"""Eye distances. Within 0.03 of the change of `yaw5` on 51 turned heads; of 279 photographs seen as flat
sheets, turned by up to 55 degrees, 0.21 at most, all of it the detector's error."""

PARALLAX_OF_TILT = 0.10

LEAST_RELIEF = 0.40
"""See `relief`."""

MOST_APART = 1.03
"""Of `drawn_together`, in a turn: the eyes draw together. Nine of ten turned heads have 1.01 or less."""

ON_THE_WAY = (0.15, 0.85)
"""Shares of a movement between which a frame shows the way."""

JUMP_OF_PLACE = 1.5
"""Eye distances."""
JUMP_OF_SCALE = 1.5
"""More than this from one frame to the next is two recordings, or a movement that nobody saw."""

SAME_POINTS = 0.001
"""Eye distances between the landmarks of one frame sent twice; those of two frames of somebody who keeps
still are further apart."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One that was looked at. All frames of a session have one size.

    `step`: its number in the challenge. `embedding`: of frames that end a step. `passive`: of some that
    look ahead. `is_replayed`: its picture was seen before, in this session or an earlier one.
    """

    step: int
    landmarks: Points = field(repr=False)
    embedding: Embedding | None = field(default=None, repr=False)
    passive: float | NoSignal | None = None
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class Judgment:
    verdict: Verdict
    doubts: tuple[Doubt, ...] = ()


def judge(challenge: Sequence[Step], frames: Sequence[Frame], same_person: float) -> Judgment:
    """`frames`: all that were looked at, in the order in which they were taken, whether they reached their
    step's pose or not. `same_person`: cosine from which two embeddings of the served model are one person's.
    """
    found = {
        *_doubts_of_steps(challenge, frames),
        *_doubts_of_sequence(frames),
        *_doubts_of_identity(frames, same_person),
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


def doubt_of_front(frame: Frame) -> Doubt | None:
    """What is missing for `frame` to be the frontal frame; None where nothing is."""
    points = frame.landmarks
    away = max(abs(yaw5(points)), abs(pitch5(points) - PITCH_AHEAD))
    return Doubt.NOT_AHEAD if away > AHEAD else None


def doubt_of_step(step: Step, frame: Frame, ahead: Frame) -> Doubt | None:
    """What is missing for `frame` to be the end of `step`; None where nothing is.

    `ahead`: the frontal frame.
    """
    points, front = frame.landmarks, ahead.landmarks
    if step in TURNS:
        return _doubt_of_turn(points, front, 1.0 if step is Step.TURN_LEFT else -1.0)
    if step in (Step.LOOK_UP, Step.LOOK_DOWN):
        return _doubt_of_tilt(points, front, 1.0 if step is Step.LOOK_DOWN else -1.0)
    if abs(yaw5(points) - yaw5(front)) > BACK_AHEAD:
        return Doubt.NOT_AHEAD
    if step is Step.COME_CLOSER:
        return None if eye_distance(points) >= CLOSER * eye_distance(front) else Doubt.CLOSER
    return None if abs(pitch5(points) - pitch5(front)) <= BACK_AHEAD else Doubt.NOT_AHEAD


def share_of_way(step: Step, start: Frame, frame: Frame, end: Frame) -> float:
    """How much of the movement from `start` to `end` is done in `frame`: 0 at the first, 1 at the last.

    Below 0 or above 1 where it lies beyond them; NaN where there is no movement between them.
    """
    measure = _measure_of(step)
    first, last = measure(start.landmarks), measure(end.landmarks)
    return (measure(frame.landmarks) - first) / (last - first) if last != first else math.nan


def is_on_the_way(step: Step, start: Frame, frame: Frame, end: Frame) -> bool:
    """Whether `frame` shows that the movement came about before the camera.

    `start`: the frontal frame, whatever was done before this step.
    """
    return ON_THE_WAY[0] <= share_of_way(step, start, frame, end) <= ON_THE_WAY[1]


def _doubt_of_turn(points: Points, front: Points, way: float) -> Doubt | None:
    turned = (yaw5(points) - yaw5(front)) * way
    if turned < TURN:
        return Doubt.OTHER_WAY if turned < -TURN / 2 else Doubt.TURN_FURTHER
    if turned > TURN_LESS:
        return Doubt.TURN_LESS
    moved, together = parallax(points, front), drawn_together(points, front)
    if moved is None:
        return Doubt.FLAT
    apart = min(together, drawn_together_by_nose(points, front)) > MOST_APART
    stands_out = relief(moved[0], together) >= LEAST_RELIEF
    is_head = moved[0] * way >= PARALLAX_OF_TURN and stands_out and not apart
    return None if is_head else Doubt.FLAT


def _doubt_of_tilt(points: Points, front: Points, way: float) -> Doubt | None:
    tilted = (pitch5(points) - pitch5(front)) * way
    if tilted < TILT:
        return Doubt.OTHER_WAY if tilted < -TILT / 2 else Doubt.TILT_FURTHER
    moved = parallax(points, front)
    return None if moved is not None and moved[1] * way >= PARALLAX_OF_TILT else Doubt.FLAT


def _measure_of(step: Step) -> Callable[[Points], float]:
    if step is Step.COME_CLOSER:
        return lambda points: math.log(eye_distance(points))
    return yaw5 if step in TURNS else pitch5


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
    """The last of `frames` is to end the step, and one before it is to show the way there."""
    *before, end = frames
    doubt = doubt_of_front(end) if end is ahead else doubt_of_step(step, end, ahead)
    if doubt is not None:
        yield doubt
    elif end.embedding is None:
        yield Doubt.TOO_FEW_FRAMES
    if step is not Step.LOOK_AHEAD and not any(
        is_on_the_way(step, ahead, frame, end) for frame in before
    ):
        yield Doubt.WAY_UNSEEN


def _doubts_of_sequence(frames: Sequence[Frame]) -> Iterator[Doubt]:
    points = [frame.landmarks for frame in frames]
    if any(_is_jump(one, next_) for one, next_ in pairwise(points)):
        yield Doubt.JUMP
    placed = [_placed(each) for each in points]
    if any(_is_same(one, other) for one, other in combinations(placed, 2)) or any(frame.is_replayed for frame in frames):
        yield Doubt.REPEATED


def _doubts_of_identity(frames: Sequence[Frame], same_person: float) -> Iterator[Doubt]:
    """Every frame that ends a step is at most `TURN_LESS` away from the frontal frame, so compared with it."""
    known = [
        (yaw5(each.landmarks), each.embedding) for each in frames if each.embedding is not None
    ]
    comparable = (
        (mine, theirs)
        for (turned, mine), (other, theirs) in combinations(known, 2)
        if abs(turned - other) <= TURN_LESS
    )
    if any(float(mine @ theirs) < same_person for mine, theirs in comparable):
        yield Doubt.ANOTHER_PERSON


def _is_jump(one: Points, next_: Points) -> bool:
    sizes = sorted((eye_distance(one), eye_distance(next_)))
    place = float(np.linalg.norm(middle_of_eyes(next_) - middle_of_eyes(one)))
    return place > JUMP_OF_PLACE * sizes[1] or sizes[1] > JUMP_OF_SCALE * sizes[0]


def _is_same(one: Points, other: Points) -> bool:
    return bool(np.abs(one - other).max() <= SAME_POINTS)


def _placed(points: Points) -> Points:
    """From the middle of the eyes, in eye distances: the same where the whole picture was moved."""
    return np.asarray((points - middle_of_eyes(points)) / eye_distance(points))


def _doubts_of_models(frames: Sequence[Frame]) -> Iterator[Doubt]:
    seen = [frame.passive for frame in frames if frame.passive is not None]
    scores = [each for each in seen if isinstance(each, float)]
    if scores and looks_attacked(scores):
        yield Doubt.LOOKS_ATTACKED
    elif seen and not scores:
        yield Doubt.NO_SIGNAL
