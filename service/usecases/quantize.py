"""An 8-bit copy of the model, and what it costs: measured on photographs before it is used."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Protocol

import numpy as np

from service.domain.comparisons import LabeledSamples
from service.domain.errors import TooFewPhotographs
from service.domain.face import DirectoryImages, Embedding, FaceCrop
from service.domain.performance import Rates, rates_of_photographs
from service.domain.ports import Capture, FaceEngine
from service.domain.template import similarity_of

LEAST_PHOTOGRAPHS = 16
"""With fewer, ranges between layers are guesses: a dark or a turned face may lie outside them."""

MOST_CALIBRATING = 128
"""Photographs that calibrate; more of them move the ranges no further."""

ROUNDS = 5


class Quantizer(Protocol):
    @property
    def name(self) -> str:
        """Of the copy."""
        ...

    def require_new(self) -> None:
        """Raises `PackExists`."""
        ...

    def quantize(self, crops: Sequence[FaceCrop]) -> float:
        """Make it; returns its size over the original's."""
        ...


@dataclass(frozen=True, slots=True)
class QuantizationReport:
    """Ratios are copy over original; `agreement`: the lowest and the mean cosine of the two
    models' embeddings of one photograph. Error rates are at `threshold`."""

    name: str
    model_id: str
    photographs: int
    size_ratio: float
    speed_ratio: float
    agreement: tuple[float, float]
    threshold: float
    before: Rates
    after: Rates


class Quantize:
    """`load`: the engine of a pack by its name."""

    def __init__(
        self,
        engine: FaceEngine,
        capture: Capture,
        quantizer: Quantizer,
        load: Callable[[str], FaceEngine],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._engine = engine
        self._capture = capture
        self._quantizer = quantizer
        self._load = load
        self._clock = clock

    def __call__(
        self, unlocked: Mapping[str, DirectoryImages], threshold: float
    ) -> QuantizationReport:
        """`people`: the photographs of each. Raises `PackExists`, `TooFewPhotographs`,
        `QuantizationFailed`, `ModelUnavailable`.
        """
        self._quantizer.require_new()
        crops = {name: self._crops(source) for name, source in unlocked.items()}
        everyone = [crop for those in crops.values() for crop in those]
        _require_enough(crops)
        step = -(-len(everyone) // MOST_CALIBRATING)
        size = self._quantizer.quantize(everyone[::step])
        copy = self._load(self._quantizer.name)
        before, after = (_embeddings(each, everyone) for each in (self._engine, copy))
        cosines = [similarity_of(*pair) for pair in zip(before, after, strict=True)]
        return QuantizationReport(
            name=self._quantizer.name,
            model_id=copy.model.model_id,
            photographs=len(everyone),
            size_ratio=size,
            speed_ratio=self._speed_ratio(copy, everyone),
            agreement=(min(cosines), mean(cosines)),
            threshold=threshold,
            before=rates_of_photographs(_labeled(crops, before), threshold),
            after=rates_of_photographs(_labeled(crops, after), threshold),
        )

    def _crops(self, source: DirectoryImages) -> list[FaceCrop]:
        seen = self._engine.detect(self._capture.stills(source))
        return [found for found in seen if isinstance(found, FaceCrop)]

    def _speed_ratio(self, copy: FaceEngine, crops: Sequence[FaceCrop]) -> float:
        """Faces a second of the copy over those of the original, taken in turns."""
        ratios = [
            self._seconds(self._engine, crops) / self._seconds(copy, crops) for _ in range(ROUNDS)
        ]
        return median(ratios)

    def _seconds(self, engine: FaceEngine, crops: Sequence[FaceCrop]) -> float:
        started = self._clock()
        engine.embed(crops)
        return self._clock() - started


def _embeddings(engine: FaceEngine, crops: Sequence[FaceCrop]) -> list[Embedding]:
    return [face.embedding for face in engine.embed(crops)]


def _require_enough(crops: Mapping[str, Sequence[FaceCrop]]) -> None:
    found = sum(map(len, crops.values()))
    comparable = [those for those in crops.values() if len(those) > 1]
    if found < LEAST_PHOTOGRAPHS or len(comparable) < 2:
        people = sum(bool(those) for those in crops.values())
        raise TooFewPhotographs(found=found, people=people, needed=LEAST_PHOTOGRAPHS, refused="-")


def _labeled(
    crops: Mapping[str, Sequence[FaceCrop]], embeddings: Sequence[Embedding]
) -> LabeledSamples:
    """As one group. Whoever has no photograph of use is nobody."""
    each = [len(those) for those in crops.values() if those]
    person = np.repeat(np.arange(len(each)), each)
    return LabeledSamples.of(embeddings, person, np.zeros(len(each), np.int64))
