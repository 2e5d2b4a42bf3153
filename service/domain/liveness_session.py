"""A liveness session: a challenge that one key may answer once, for one purpose and one person, in 90 seconds.

What it may cost, and when whoever fails too often has to wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from service.domain.active_liveness import Judgment, judge
from service.domain.challenge import TURNS, Step
from service.domain.errors import LivenessExpired, LivenessUsed
from service.domain.face import Sample
from service.domain.liveness_identity import SamePerson
from service.domain.step_pose import Frame
from service.domain.template import PlainTemplate


class Purpose(StrEnum):
    """What a session is for. Part of the contract."""

    VERIFY = "verify"
    ENROLL = "enroll"
    SEARCH = "search"


LASTS = timedelta(seconds=90)

MOST_FRAMES_OF_A_CALL = 8

DETECTION, EMBEDDING, PASSIVE = 80, 20, 45
"""Hundredths of a photograph's inference: to find a face in a frame, decoded and hashed, to embed it, and to ask
the passive models about it. Measured with the small pack on frames of 640 x 480; of a larger pack the first and the last are less."""

MOST_COST = 1200
"""Of a session: twelve photographs. Four movements that are met at once cost less than eight, ten with passive
models; the rest is for those who are asked to turn a little further."""

LEAST_COST_OF_A_CALL = DETECTION + PASSIVE + EMBEDDING
"""One frame."""

MOST_COST_OF_A_CALL = 4 * (DETECTION + PASSIVE) + 2 * EMBEDDING
"""The last frame, and of those before it as many as are needed to find one on the way."""

MOST_OPEN = 256
"""Sessions of one key that are open at a time."""

WINDOW = timedelta(minutes=10)
"""In which sessions that did not end as `live` are counted, abandoned ones among them."""

MOST_FAILED_OF_SUBJECT = 10
"""By one key."""

MOST_FAILED_OF_KEY = 300

FORGOTTEN_AFTER = WINDOW
"""From the end of a session; until then it is known that it was used, and by nothing how it went but the
verdict."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Whose session it is. `subject`: a keyed hash of the subject's id (32 bytes); None for a search."""

    caller: str
    purpose: Purpose
    collection: str
    subject: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """As it is stored. `is_ended`: it was used, or another took its place. `sealed`: the `SessionProgress`; None
    once it is over in either way.
    """

    session_id: UUID
    binding: Binding
    is_expired: bool
    is_ended: bool
    cost: int
    version: int
    sealed: bytes | None = field(repr=False)

    @property
    def content(self) -> bytes:
        """What is sealed. Raises `LivenessUsed`, `LivenessExpired`."""
        if self.is_ended:
            raise LivenessUsed
        if self.is_expired or self.sealed is None:
            raise LivenessExpired
        return self.sealed


@dataclass(frozen=True, slots=True)
class SessionProgress:
    """How far a session has come. `met`: steps that were met. `frames`: those that were looked at, in
    the order in which they were taken, and `hashes`: theirs, keyed. `templates`: by model, and `sample`: of the
    frame that looks ahead, which is the one that is compared.
    """

    challenge: tuple[Step, ...]
    met: int = 0
    frames: tuple[Frame, ...] = field(default=(), repr=False)
    hashes: tuple[bytes, ...] = field(default=(), repr=False)
    templates: Mapping[str, PlainTemplate] = field(default_factory=dict, repr=False)
    sample: Sample | None = None

    @property
    def next(self) -> int | None:
        """The number of the step to go on with; None when all are met."""
        return self.met if self.met < len(self.challenge) else None

    @property
    def step(self) -> Step:
        return self.challenge[self.met]

    @property
    def fell_short(self) -> list[Frame]:
        """Those of the present step that are embedded: they turned, and not far enough."""
        return [
            frame for frame in self.frames if frame.step == self.met and frame.embedding is not None
        ]

    @property
    def asked_of_a_movement(self) -> bool:
        """Whether passive models were asked of a frame that does not look ahead."""
        return any(
            frame.passive is not None and self.challenge[frame.step] is not Step.LOOK_AHEAD
            for frame in self.frames
        )

    def judged(self, same_person: SamePerson) -> Judgment:
        return judge(self.challenge, self.frames, same_person)


def fewest_frames(challenge: Sequence[Step]) -> int:
    """The end of each step, and of a turn one on the way."""
    return sum(2 if step in TURNS else 1 for step in challenge)


def most_frames(challenge: Sequence[Step]) -> int:
    """That a challenge takes, if each of its steps is met at once."""
    return MOST_FRAMES_OF_A_CALL * len(challenge)
