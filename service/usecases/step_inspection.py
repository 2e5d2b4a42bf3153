"""The frames of a step are looked at: as few as tell whether it was met.

A head is told by its turns, so only of these the way is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from service.domain.active_liveness import frontal_frame
from service.domain.challenge import TURNS, Step
from service.domain.errors import LandmarksUnavailable, NoUsableFace
from service.domain.face import Embedding, FaceCrop, Photograph, Reason, Refusal
from service.domain.liveness_session import DETECTION, EMBEDDING, PASSIVE, SessionProgress
from service.domain.ports import FrameObserver
from service.domain.step_pose import (
    Doubt,
    Frame,
    doubt_of_front,
    doubt_of_step,
    is_on_the_way,
    share_of_way,
)
from service.usecases.sampler import PairSampler, Probe, Sampler

HALF = 0.5
"""Of the way."""


@dataclass(frozen=True, slots=True)
class StepFindings:
    """What a call has shown. `frames`: those that were looked at, in the order in which they were taken;
    `features`: of each, for its keyed hash. `probe`: of the frame that looks ahead. `advice`: what is missing;
    None where the step is met. `cost`: frames without a face included.
    """

    frames: Sequence[Frame]
    features: Sequence[bytes] = field(repr=False)
    probe: Probe | None
    advice: Doubt | Reason | None
    cost: int


@dataclass(frozen=True, slots=True)
class FrameObservers:
    """`ahead`: by passive models as well, where there are some. `movement`: without them."""

    ahead: FrameObserver
    movement: FrameObserver


class StepInspection:
    """One step of one session, in one call."""

    def __init__(
        self,
        sampler: Sampler | PairSampler,
        observers: FrameObservers,
        progress: SessionProgress,
        photographs: Sequence[Photograph],
        budget: int,
    ) -> None:
        self._sampler = sampler
        self._observers = observers
        self._progress = progress
        self._front = frontal_frame(progress.frames) if progress.met else None
        self._photographs = photographs
        self._budget = budget
        self._cost = 0
        self._seen: dict[int, tuple[Frame, bytes]] = {}
        self._probe: Probe | None = None

    def __call__(self) -> StepFindings:
        """The last frame must have come to where the step ends; only then those before it count.

        Raises `Overloaded`.
        """
        last = len(self._photographs) - 1
        advice = self._advice(last)
        seen = [self._seen[index] for index in sorted(self._seen)]
        frames, features = [frame for frame, _ in seen], [each for _, each in seen]
        return StepFindings(frames, features, self._probe, advice, self._cost)

    def _advice(self, last: int) -> Doubt | Reason | None:
        end = self._look_at(last)
        if isinstance(end, Refusal):
            return end.reason
        frame, front, step = self._seen[last][0], self._front, self._progress.step
        doubt = doubt_of_front(frame) if front is None else doubt_of_step(step, frame, front)
        if doubt is not None:
            if doubt is Doubt.TURN_FURTHER:  # whoever goes on from here has shown the way
                self._embed_one(end, last)
            return doubt
        if front is not None and step in TURNS and not self._is_way_seen(front, last):
            return Doubt.WAY_UNSEEN
        return self._embed(end, last)

    def _is_way_seen(self, front: Frame, last: int) -> bool:
        """In a frame that fell short, or by halves. It must be of the same person, and is embedded."""
        end = self._seen[last][0]
        if any(is_on_the_way(front, frame, end) for frame in self._progress.fell_short):
            return True
        low, high = 0, last
        while low < high and self._may_look:
            middle = (low + high) // 2
            found = self._look_at(middle)
            if isinstance(found, Refusal):
                low = middle + 1
                continue
            frame = self._seen[middle][0]
            if is_on_the_way(front, frame, end):
                self._embed_one(found, middle)
                return True
            is_before = share_of_way(front, frame, end) < HALF
            low, high = (middle + 1, high) if is_before else (low, middle)
        return False

    @property
    def _may_look(self) -> bool:
        """With enough left to embed the frame, and the one that ends the step."""
        return self._cost + DETECTION + PASSIVE + 2 * EMBEDDING <= self._budget

    def _observer(self, index: int) -> FrameObserver:
        """Models are asked of who looks ahead, and of the way of the first turn: what they say varies, and the
        median of three frames counts.
        """
        progress, is_way = self._progress, index < len(self._photographs) - 1
        begins_to_turn = progress.step in TURNS and is_way and not progress.asked_of_a_movement
        if progress.step is Step.LOOK_AHEAD or begins_to_turn:
            return self._observers.ahead
        return self._observers.movement

    def _look_at(self, index: int) -> FaceCrop | Refusal:
        self._cost += DETECTION
        found = self._sampler.observed(self._photographs[index], self._observer(index))
        if isinstance(found, FaceCrop):
            self._note(index, found)
        return found

    def _note(self, index: int, crop: FaceCrop) -> None:
        """Raises `LandmarksUnavailable`: the session was begun by a process with another detector."""
        seen = crop.observation
        if crop.landmarks is None or seen is None:
            raise LandmarksUnavailable(model=self._sampler.model_id)
        if seen.passive is not None:
            self._cost += PASSIVE
        self._seen[index] = (
            Frame(self._progress.met, crop.landmarks, None, seen.passive),
            seen.features,
        )

    def _embed(self, end: FaceCrop, last: int) -> Reason | None:
        """Only who looks ahead is compared with anybody enrolled, and must be seen as well as for that."""
        if self._progress.met > 0:
            self._embed_one(end, last)
            return None
        self._cost += EMBEDDING
        try:
            self._probe = self._sampler.probe_of(self._photographs[last], end)
        except NoUsableFace as error:
            return error.samples[0].reason
        self._keep(last, self._probe.embedding)
        return None

    def _embed_one(self, crop: FaceCrop, index: int) -> None:
        self._cost += EMBEDDING
        self._keep(index, self._sampler.embedding_of(crop))

    def _keep(self, index: int, embedding: Embedding) -> None:
        frame, features = self._seen[index]
        self._seen[index] = replace(frame, embedding=embedding), features
