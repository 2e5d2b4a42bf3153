"""Where a head has to be when a step ends, and on the way there, is told by landmarks against the frontal frame's.

Each limit says what it was measured on; docs/liveness.md has the tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from service.domain.challenge import TURNS, Step
from service.domain.face import Embedding
from service.domain.head_pose import Points, breadth, eye_distance, parallax, pitch5, yaw5
from service.domain.passive_liveness import NoSignal


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

LEAST_NEARER = 1.6
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


@dataclass(frozen=True, slots=True)
class Frame:
    """One that was looked at. All frames of a session have one size.

    `step`: its number in the challenge. `embedding`: of frames that end a step, and of a turn's that show the
    way or fell short. `passive`: of some that look ahead, or show the way. `is_replayed`: its picture was seen before, in this session or an earlier one.
    """

    step: int
    landmarks: Points = field(repr=False)
    embedding: Embedding | None = field(default=None, repr=False)
    passive: float | NoSignal | None = None
    is_replayed: bool = False


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
        return None if eye_distance(points) >= LEAST_NEARER * eye_distance(front) else Doubt.CLOSER
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
    if doubt := _doubt_of_change(turned, (TURN, MOST_TURN), Doubt.TURN_FURTHER, Doubt.TURN_LESS):
        return doubt
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


def _doubt_of_change(
    change: float, limits: tuple[float, float], further: Doubt, less: Doubt
) -> Doubt | None:
    """NaN, of landmarks that are no pose, has to go further."""
    least, most = limits
    if not change >= least:
        return Doubt.OTHER_WAY if change < -least / 2 else further
    return less if change > most else None


def _is_within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _doubt_of_tilt(points: Points, front: Points, way: float) -> Doubt | None:
    tilted = (pitch5(points) - pitch5(front)) * way
    if doubt := _doubt_of_change(tilted, (TILT, MOST_TILT), Doubt.TILT_FURTHER, Doubt.TILT_LESS):
        return doubt
    moved = parallax(points, front)
    return None if moved is not None and moved.down * way >= PARALLAX_OF_TILT else Doubt.FLAT
