"""A recognizer of the default size and its copy by `face quantize` embed faces in turns, timed on one core."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from scripts.bench.default_size import at_default_size
from scripts.bench.figures import Bar, Figure, Measured
from scripts.bench.rounds import interleaved
from scripts.bench.setup import Setup
from service.adapters import make_capture, make_engine
from service.domain.face import DirectoryImages, FaceCrop, Image
from service.engine.models import load_models
from service.engine.packs import find_pack
from service.engine.providers import CPU
from service.engine.quantize import PackQuantizer
from service.engine.recognizer import Recognizer
from service.machine import multiplies_bytes

TWICE = Bar(of="ratio", bound="at least", limit=2.0)

COPY, ORIGINAL = "8 bits", "float32, as the service runs it"
RANDOM = "Random weights: the copy's accuracy is measured with trained ones (docs/quantize.md)."
NOT_APPLICABLE = (
    "This processor is not known to multiply bytes in one instruction: no bar for 8 bits."
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """`photographs`: of each of `people`; they calibrate the copy and are timed."""

    rounds: int
    people: int
    photographs: int


FULL = Sizes(rounds=7, people=8, photographs=2)
SMALL = Sizes(rounds=1, people=1, photographs=2)


def measure(setup: Setup) -> Measured:
    sizes = SMALL if setup.small else FULL
    with at_default_size(setup) as large:
        crops = _crops(large, sizes)
        copy = PackQuantizer(large.model_name, large.model_root)
        copy.quantize(crops)
        pixels = [crop.pixels for crop in crops]
        runs = {
            way: partial(_faces_a_second, _recognizer(large, name), pixels)
            for way, name in ((COPY, copy.name), (ORIGINAL, large.model_name))
        }
        for run in runs.values():
            run()
        rates = interleaved(sizes.rounds, runs)
    can = multiplies_bytes()
    figure = Figure(
        name="recognizer of the default size, 8 bits",
        unit="faces/s of a core",
        rounds=rates[COPY],
        peer=ORIGINAL,
        peer_rounds=rates[ORIGINAL],
        bar=bar(can),
    )
    return Measured(figures=(figure,), notes=(RANDOM, *(() if can else (NOT_APPLICABLE,))))


def bar(can: bool | None) -> Bar | None:
    """`can`: whether the processor multiplies bytes, without which 8 bits are no faster."""
    return TWICE if can else None


def _crops(setup: Setup, sizes: Sizes) -> Sequence[FaceCrop]:
    config = setup.config()
    engine, capture = make_engine(config), make_capture(config)
    return [
        seen
        for person in setup.people[: sizes.people]
        for seen in engine.detect(capture.stills(DirectoryImages(str(person), sizes.photographs)))
        if isinstance(seen, FaceCrop)
    ]


def _recognizer(setup: Setup, name: str) -> Recognizer:
    _, recognizer = load_models(find_pack(name, setup.model_root), [CPU])
    return recognizer


def _faces_a_second(recognizer: Recognizer, crops: Sequence[Image]) -> float:
    """One after the other, by processor time: an inference has one thread."""
    started = time.process_time()
    for crop in crops:
        recognizer.numbers([crop])
    return len(crops) / (time.process_time() - started)
