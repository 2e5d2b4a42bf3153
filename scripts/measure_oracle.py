"""Measure what similarities and known pairs give away: `measure_oracle.py PHOTOS [--model mobile_s]`.

PHOTOS: one folder per person. Prints the tables of docs/threat-model.md, "Similarities are an oracle"
and "What the search-space rotation gives":

- climbing: photographs only. Beginning with the stranger who looks most alike, aligned faces are blended
  with others for as long as the similarity that is told does not fall.
- solving: whoever has the same model knows the vector of each photograph they send, so that every
  answer is one equation. The template is the best guess by the spread of faces.
- rotation: as many pairs of embedding and search vector as are known, by people who do not exist.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from scripts.bench.galleries import Population
from service.adapters import image_limits
from service.capture.directory import directory_photographs
from service.config import AppConfig
from service.domain.decision import SimilarityDetail, shown_similarity
from service.domain.face import FaceCrop, Image
from service.domain.ports import FaceEngine
from service.domain.thresholds import ARCFACE, Band
from service.engine.engines import load_engine

Vectors: TypeAlias = NDArray[np.float64]
Told: TypeAlias = Callable[[float], float]

THRESHOLD = 0.40
TEMPLATE_SIZE = 3
MOST_TRIES = 400
MOST_OF_A_PERSON = 50
DETECTION_THRESHOLD = 0.5
WEIGHTS = (0.15, 0.3, 0.5)
"""Of the other face in a blend."""
SENT = (10, 20, 50, 100, 200, 400)
STRANGERS = (10, 20, 50, 100, 200, 400)
PAIRS = (16, 32, 64, 96, 128, 256, 512)
TARGETS = 100

BANDS = {
    Band.VERY_LOW: 0.05,
    Band.LOW: 0.25,
    Band.BORDERLINE: 0.35,
    Band.HIGH: 0.45,
    Band.VERY_HIGH: 0.6,
}
"""What a band is taken for."""


def rounded(similarity: float) -> float:
    return shown_similarity(similarity, SimilarityDetail.ROUNDED) or 0.0


def exact(similarity: float) -> float:
    return similarity


def band(similarity: float) -> float:
    return BANDS[ARCFACE.bands.of(similarity)]


MIDDLE_AND_NOISE: dict[Told, tuple[float, float]] = {
    exact: (0.0, 1e-9),
    rounded: (0.005, 0.01**2 / 12),
    band: (0.0, 0.07**2),
}
"""What to add to a reply to have its middle, and the variance of what it leaves out."""


def normalized(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float64)


class Faces:
    """Every usable photograph, by person: the aligned face and its vector."""

    def __init__(self, engine: FaceEngine, folders: Sequence[Path]) -> None:
        self.engine = engine
        self.crops: list[FaceCrop] = []
        self.who: list[str] = []
        limits = image_limits(AppConfig())
        for folder in folders:
            photographs = directory_photographs(str(folder), MOST_OF_A_PERSON, limits, None)
            for found in engine.detect(photographs):
                if isinstance(found, FaceCrop):
                    self.crops.append(found)
                    self.who.append(folder.name)
        self.vectors = self.embed([crop.pixels for crop in self.crops])

    def embed(self, pixels: Sequence[Image]) -> Vectors:
        return normalized(
            np.stack([face.embedding for face in self.engine.embed(self._as_crops(pixels))])
        )

    def _as_crops(self, pixels: Sequence[Image]) -> list[FaceCrop]:
        return [replace(self.crops[0], pixels=each) for each in pixels]

    def of(self, name: str) -> list[int]:
        return [n for n, who in enumerate(self.who) if who == name]

    def others(self, name: str) -> list[int]:
        return [n for n, who in enumerate(self.who) if who != name]


def climb(faces: Faces, name: str, told: Told, rng: np.random.Generator) -> int | None:
    """Refusals until a match; None where none came in `MOST_TRIES`."""
    template = normalized(faces.vectors[faces.of(name)[:TEMPLATE_SIZE]].mean(axis=0))
    strangers = faces.others(name)
    first = rng.choice(strangers, 10, replace=False)
    exactly = faces.vectors[first] @ template
    replies = [told(float(each)) for each in exactly]
    if max(exactly) >= THRESHOLD:
        return int(np.argmax(exactly >= THRESHOLD))
    best, reply = faces.crops[first[int(np.argmax(replies))]].pixels, max(replies)
    for refusals in range(len(first), MOST_TRIES):
        other, weight = faces.crops[rng.choice(strangers)].pixels, float(rng.choice(WEIGHTS))
        blend = np.asarray(cv2.addWeighted(best, 1 - weight, other, weight, 0), np.uint8)
        similarity = float(faces.embed([blend])[0] @ template)
        if similarity >= THRESHOLD:
            return refusals
        if told(similarity) >= reply:
            best, reply = blend, told(similarity)
    return None


def guess(sent: Vectors, replies: Vectors, spread: Vectors, noise: float) -> Vectors:
    """The most probable template: `spread` is the covariance of faces the attacker knows."""
    seen = sent @ spread
    return np.asarray(
        seen.T @ np.linalg.solve(seen @ sent.T + noise * np.eye(len(sent)), replies), np.float64
    )


def solved(sent: Vectors, template: Vectors, spread: Vectors, told: Told) -> float:
    """Cosine of the guess and the template."""
    middle, noise = MIDDLE_AND_NOISE[told]
    replies = np.array([told(float(each)) + middle for each in sent @ template])
    return float(normalized(guess(sent, replies, spread, noise)) @ template)


def second_moment(vectors: Vectors) -> Vectors:
    return np.asarray(vectors.T @ vectors / len(vectors) + 1e-6 * np.eye(vectors.shape[1]))


def summary(values: Sequence[float]) -> str:
    share = np.mean(np.asarray(values) >= THRESHOLD)
    return f"median {np.median(values):.3f}, at or above {THRESHOLD}: {share:.0%}"


def print_solving(faces: Faces, rng: np.random.Generator) -> None:
    names = sorted(set(faces.who))
    for told in MIDDLE_AND_NOISE:
        for number in SENT:
            cosines = []
            for name in names:
                others = rng.permutation(faces.others(name))[:number]
                template = normalized(faces.vectors[faces.of(name)[:TEMPLATE_SIZE]].mean(axis=0))
                spread = second_moment(faces.vectors[faces.others(name)])
                cosines.append(solved(faces.vectors[others], template, spread, told))
            print(f"| photographs | {told.__name__} | {number} | {summary(cosines)} |")


def print_solving_strangers() -> None:
    people = Population(1).people(0, max(STRANGERS) + 10_000 + TARGETS).astype(np.float64)
    targets, known = people[:TARGETS], people[TARGETS + max(STRANGERS) :]
    spread = second_moment(known)
    for told in MIDDLE_AND_NOISE:
        for number in STRANGERS:
            sent = people[TARGETS : TARGETS + number]
            cosines = [solved(sent, each, spread, told) for each in targets]
            print(f"| strangers | {told.__name__} | {number} | {summary(cosines)} |")


def print_rotation(noise: float, rng: np.random.Generator) -> None:
    """`noise`: share of a known vector that is not the enrolled one: another photograph."""
    people = Population(2).people(0, max(PAIRS) + TARGETS).astype(np.float64)
    secret = np.linalg.qr(rng.normal(size=(people.shape[1],) * 2))[0]
    stored, targets = people @ secret.T, people[-TARGETS:]
    away = normalized(rng.normal(size=people.shape))
    known = normalized(people * np.sqrt(1 - noise**2) + noise * away)
    for number in PAIRS:
        left, _, right = np.linalg.svd(stored[:number].T @ known[:number])
        found = left @ right  # the orthogonal matrix that fits best (Schoenemann 1966)
        cosines = np.sum(normalized(stored[-TARGETS:] @ found) * targets, axis=1)
        print(f"| {number} | {noise} | {summary(list(cosines))} |")


def print_rotations(rng: np.random.Generator) -> None:
    for noise in (0.0, 0.6):
        print_rotation(noise, rng)


def print_climbing(faces: Faces, rng: np.random.Generator) -> None:
    for told in MIDDLE_AND_NOISE:
        tries = [climb(faces, name, told, rng) for name in sorted(set(faces.who))]
        reached = sorted(each for each in tries if each is not None)
        print(f"| climbing | {told.__name__} | {len(reached)} of {len(tries)} | {reached} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path, nargs="+", help="folders with one folder per person")
    parser.add_argument("--model", default="mobile_s")
    parser.add_argument("--model-root", type=Path, default=Path("~/.insightface").expanduser())
    parser.add_argument(
        "--parts", nargs="*", default=["solving", "strangers", "rotation", "climbing"]
    )
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    engine = load_engine(
        options.model, options.model_root, detection_threshold=DETECTION_THRESHOLD, use_gpu=False
    )
    folders = [each for root in options.photos for each in sorted(root.iterdir()) if each.is_dir()]
    faces = Faces(engine, folders)
    print(f"{len(faces.crops)} photographs of {len(set(faces.who))} people, {options.model}\n")
    parts: dict[str, Callable[[], None]] = {
        "solving": lambda: print_solving(faces, rng),
        "strangers": print_solving_strangers,
        "rotation": lambda: print_rotations(rng),
        "climbing": lambda: print_climbing(faces, rng),
    }
    for part in options.parts:
        parts[part]()


if __name__ == "__main__":
    main()
