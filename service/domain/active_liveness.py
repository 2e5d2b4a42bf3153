"""Whether a challenge was met by a head is judged by the landmarks and embeddings of the frames that were looked at.

Of each step few frames are: its end, those that did not reach it, and of a turn one on the way. This stops a
print, flat or bent, a still screen, and frames of another session. It does not see a video of the person that
was made to order, prints of the person from every side that are changed fast, a tube or a mask of the person,
or a generated stream. What was measured, and on what, stands in docs/liveness.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations, pairwise

import numpy as np

from service.domain.challenge import TURNS, Step
from service.domain.face import Embedding
from service.domain.head_pose import (
    Points,
    breadth,
    eye_distance,
    height,
    middle_of_eyes,
    parallax,
    pitch5,
    upright,
    yaw5,
)
from service.domain.liveness_identity import SamePerson, is_one_person
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
    KEEP_LEVEL = "keep_level"
    TILT_FURTHER = "tilt_further"
    TILT_LESS = "tilt_less"
    CLOSER = "closer"
    WAY_UNSEEN = "way_unseen"
    JUMP = "jump"
    NO_SIGNAL = "no_signal"
    FLAT = "flat"
    ANOTHER_PERSON = "another_person"
    REPEATED = "repeated"
    LOOKS_ATTACKED = "looks_attacked"


ATTACKS = frozenset((Doubt.FLAT, Doubt.ANOTHER_PERSON, Doubt.REPEATED))

TURN = 0.30
"""Change of `yaw5`. Somebody who is asked to turn reaches 0.40. This much do 9 of 1,320 views of ORL's photographs as
flat sheets, turned by up to 65 degrees, by the detector's error: the parallax decides."""

MOST_TURN = 0.60
"""Change of `yaw5` beyond which embeddings of one person differ as strangers' do (9 of 28 pairs): whoever
turns further could not be told from another."""

TILT = 0.15
"""Change of `pitch5`. Of 2,154 views of flat sheets 40 pass for a tilt, by the detector's error: so no
challenge is without a turn."""

MOST_TILT = 0.50
"""Change of `pitch5` beyond which the plane of eyes and mouth is seen too narrow."""

CLOSER = 1.6
"""Eye distance over that of the frontal frame."""

AHEAD, PITCH_AHEAD, AHEAD_PITCH = 0.12, 0.57, 0.20
"""`yaw5` of the frontal frame is 0.12 at most, its `pitch5` 0.57 give or take 0.20: so is that of 97 of 100
photographs of ORL that look ahead. The height of a nose differs between people by as much as a tilt."""

LEAST_BREADTH = 0.80
"""See `breadth`: no frontal photograph of 40 people in ORL is below 0.81, of 8 others below 0.87."""

BACK_AHEAD, BACK_LEVEL = 0.15, 0.25
"""Change of `yaw5` at the end and in frames that come closer, and of `pitch5` at the end: of somebody near
the camera it differs by up to 0.22, since the nose is nearer than the eyes."""

PARALLAX_OF_TURN = 0.25
"""Eye distances; within 0.06 of the change of `yaw5` in 67 pairs of turned heads."""

PARALLAX_OF_TILT = 0.10
"""Eye distances; 121 of 121 pairs of photographs that differ by a tilt have it."""

MOST_DOWN = 0.25
"""Parallax across the eyes in a turn: 0.21 at most of 3,000 heads, which also nodded by 5 degrees."""

RELIEF = (0.35, 1.3)
"""See `Parallax`. 3,000 heads whose noses stand out by 0.40 to 0.62 were measured at 0.35 or more 99 times
of 100. The best that a search finds for a sheet is 0.28 where it is bent by a radius of one and a half eye
distances or more, and 0.37 from one eye distance on."""

LEAST_COSINE = 0.65
"""Of a plane that is turned further, the detector's landmarks are wrong by as much as a nose stands out."""

ON_THE_WAY = (0.15, 0.92)
"""Shares of a turn between which a frame shows the way: also one that fell short of the end."""

NOSE_ON_THE_WAY = (0.2, 0.85)
"""As `ON_THE_WAY`, of the parallax; errors of landmarks are shares of 0.07."""

JUMP_OF_PLACE = 2.0
"""Heights of the face, from the way to the end of a turn. Of 2,381 turns none had more than 1.0; somebody
who fell short and goes on has swayed meanwhile."""

JUMP_OF_SCALE = 1.6
"""As `JUMP_OF_PLACE`; the greatest had 1.2."""

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


def doubt_of_front(frame: Frame) -> Doubt | None:
    """What is missing for `frame` to be the frontal frame; None where nothing is."""
    points = frame.landmarks
    is_ahead = abs(yaw5(points)) <= AHEAD and abs(pitch5(points) - PITCH_AHEAD) <= AHEAD_PITCH
    return None if is_ahead and breadth(points) >= LEAST_BREADTH else Doubt.NOT_AHEAD


def doubt_of_step(step: Step, frame: Frame, ahead: Frame) -> Doubt | None:
    """What is missing for `frame` to be the end of `step`; None where nothing is.

    `ahead`: the frontal frame.
    """
    points, front = frame.landmarks, ahead.landmarks
    if step in TURNS:
        return _doubt_of_turn(points, front, 1.0 if step is Step.TURN_LEFT else -1.0)
    if step in (Step.LOOK_UP, Step.LOOK_DOWN):
        return _doubt_of_tilt(points, front, 1.0 if step is Step.LOOK_DOWN else -1.0)
    if not abs(yaw5(points) - yaw5(front)) <= BACK_AHEAD:
        return Doubt.NOT_AHEAD
    if step is Step.COME_CLOSER:
        return None if eye_distance(points) >= CLOSER * eye_distance(front) else Doubt.CLOSER
    return None if abs(pitch5(points) - pitch5(front)) <= BACK_LEVEL else Doubt.NOT_AHEAD


def share_of_way(start: Frame, frame: Frame, end: Frame) -> float:
    """How much of the turn from `start` to `end` is done in `frame`: 0 at the first, 1 at the last.

    Below 0 or above 1 where it lies beyond them; NaN where there is no turn between them.
    """
    first, last = yaw5(start.landmarks), yaw5(end.landmarks)
    return (yaw5(frame.landmarks) - first) / (last - first) if last != first else math.nan


def is_on_the_way(start: Frame, frame: Frame, end: Frame) -> bool:
    """Whether `frame` shows that the turn came about before the camera.

    `start`: the frontal frame, whatever was done before this step. The nose has to have moved against the
    face as well: neither the picture that was held at the start nor that of the end will do.
    """
    if not _is_within(share_of_way(start, frame, end), ON_THE_WAY):
        return False
    back = parallax(start.landmarks, frame.landmarks)
    on = parallax(end.landmarks, frame.landmarks)
    if back is None or on is None or back.along == on.along:
        return False
    return _is_within(back.along / (back.along - on.along), NOSE_ON_THE_WAY)


def _doubt_of_turn(points: Points, front: Points, way: float) -> Doubt | None:
    turned = (yaw5(points) - yaw5(front)) * way
    if not turned >= TURN:
        return Doubt.OTHER_WAY if turned < -TURN / 2 else Doubt.TURN_FURTHER
    if turned > MOST_TURN:
        return Doubt.TURN_LESS
    moved = parallax(points, front)
    if moved is not None and moved.cosine < LEAST_COSINE:
        return Doubt.TURN_LESS
    if (
        moved is None
        or moved.along * way < PARALLAX_OF_TURN
        or not _is_within(moved.relief, RELIEF)
    ):
        return Doubt.FLAT
    return None if abs(moved.down) <= MOST_DOWN else Doubt.KEEP_LEVEL


def _is_within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _doubt_of_tilt(points: Points, front: Points, way: float) -> Doubt | None:
    tilted = (pitch5(points) - pitch5(front)) * way
    if not tilted >= TILT:
        return Doubt.OTHER_WAY if tilted < -TILT / 2 else Doubt.TILT_FURTHER
    if tilted > MOST_TILT:
        return Doubt.TILT_LESS
    moved = parallax(points, front)
    return None if moved is not None and moved.down * way >= PARALLAX_OF_TILT else Doubt.FLAT


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
