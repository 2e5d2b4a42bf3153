"""Measure how well a model tells people apart: `calibrate.py dlib PHOTOS`, one folder per person.

Prints the cosines of the same person's photographs and of different people's, and the error rates
at thresholds: photograph against photograph, and photograph against a template of three others.

dlib's descriptors are centered on the mean of a population. A mean that contains the very people
who are compared flatters them, so each comparison is made with the mean of everybody else;
`--write-mean` then stores the mean of all of them, which is what the service uses.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import FaceCrop, Image, Reason
from service.domain.ports import FaceEngine
from service.domain.template import average, cosine_similarity, normalize
from service.domain.thresholds import Comparisons
from service.engine.dlib import DESCRIPTOR_SIZE, DLIB, DlibEngine, find_weights
from service.engine.engines import load_engine
from service.engine.pool import WorkerPool

Vector: TypeAlias = NDArray[np.float64]
People: TypeAlias = dict[str, list[Vector]]
Center: TypeAlias = Callable[[set[str]], Vector]
"""The vector to take from every other before comparing these people."""

DETECTION_THRESHOLD = 0.5
TEMPLATE_SIZE = 3
THRESHOLDS = (0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70)
MEAN_FILE = Path(__file__).parents[1] / "service" / "engine" / "dlib_population_mean.json"


@dataclass(frozen=True)
class PhotoFile:
    path: Path

    def pixels(self) -> Image | Reason:
        image = cv2.imread(str(self.path))
        return Reason.UNREADABLE if image is None else np.asarray(image, dtype=np.uint8)


def photographs_compared(people: People, center: Center) -> Comparisons:
    """Every photograph against every other."""
    genuine = [
        _cosine(a, b, center({name})) for name in people for a, b in combinations(people[name], 2)
    ]
    impostor = [
        _cosine(a, b, center({one, other}))
        for one, other in combinations(people, 2)
        for a, b in product(people[one], people[other])
    ]
    return Comparisons(genuine, impostor)


def templates_compared(people: People, center: Center) -> Comparisons:
    """Each person's first photographs as a template, against everybody's remaining ones."""
    genuine: list[float] = []
    impostor: list[float] = []
    for one, other in product(people, people):
        mean = center({one, other})
        template = average([normalize(v - mean) for v in people[one][:TEMPLATE_SIZE]])
        probes = [cosine_similarity(template, v - mean) for v in people[other][TEMPLATE_SIZE:]]
        (genuine if one == other else impostor).extend(probes)
    return Comparisons(genuine, impostor)


def center_of_others(people: People) -> Center:
    return lambda names: _mean(v for name in people if name not in names for v in people[name])


def center_of_all(people: People) -> Center:
    mean = _mean(vector for vectors in people.values() for vector in vectors)
    return lambda _names: mean


def no_center(_names: set[str]) -> Vector:
    return np.zeros(1)


def _mean(vectors: Iterable[Vector]) -> Vector:
    return np.asarray(np.mean(list(vectors), axis=0), dtype=np.float64)


def _cosine(a: Vector, b: Vector, center: Vector) -> float:
    return cosine_similarity(a - center, b - center)


def read_people(photos: Path, vectors_of: Callable[[Sequence[PhotoFile]], list[Vector]]) -> People:
    folders = sorted(folder for folder in photos.iterdir() if folder.is_dir())
    return {f.name: vectors_of([PhotoFile(p) for p in sorted(f.iterdir())]) for f in folders}


def crops_of(engine: FaceEngine, files: Sequence[PhotoFile]) -> list[FaceCrop]:
    crops: list[FaceCrop] = []
    for file, seen in zip(files, engine.detect(files), strict=True):
        if isinstance(seen, FaceCrop):
            crops.append(seen)
        else:
            print(f"left out: {file.path}: {seen.reason} ({seen.detection_score})", file=sys.stderr)
    return crops


def report(title: str, measured: Comparisons) -> None:
    genuine, impostor = measured.genuine, measured.impostor
    print(f"\n{title}: {len(genuine)} mated, {len(impostor)} non-mated comparisons")
    print(f"  same person: mean {np.mean(genuine):.3f}, min {min(genuine):.3f}")
    print(f"  others:      mean {np.mean(impostor):.3f}, max {max(impostor):.3f}")
    for at in THRESHOLDS:
        missed, taken = measured.false_non_match_rate(at), measured.false_match_rate(at)
        print(f"  {at:.2f}  FNMR {missed:7.2%}  FMR {taken:7.2%}")


def calibrate_dlib(photos: Path, write_mean: bool) -> None:
    engine = DlibEngine(
        find_weights(), np.zeros(DESCRIPTOR_SIZE), DETECTION_THRESHOLD, WorkerPool()
    )
    people = read_people(
        photos, lambda files: [engine.descriptor(crop) for crop in crops_of(engine, files)]
    )
    others, everybody = center_of_others(people), center_of_all(people)
    report("dlib, photographs, center without these people", photographs_compared(people, others))
    report("dlib, templates, center without these people", templates_compared(people, others))
    report("dlib, photographs, center with everybody", photographs_compared(people, everybody))
    report("dlib, templates, center with everybody", templates_compared(people, everybody))
    if write_mean:
        store_mean(people, everybody(set()), engine.model.model_id)


def store_mean(people: People, mean: Vector, model_id: str) -> None:
    photographs = sum(map(len, people.values()))
    document = {
        "provenance": f"mean descriptor of {photographs} photographs of {len(people)} people, "
        "written by scripts/calibrate.py",
        "model": model_id,
        "mean": [round(float(number), 6) for number in mean],
    }
    MEAN_FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def calibrate_pack(name: str, model_root: Path, photos: Path) -> None:
    engine = load_engine(name, model_root, detection_threshold=DETECTION_THRESHOLD, use_gpu=False)
    people = read_people(
        photos,
        lambda files: [
            face.embedding.astype(np.float64) for face in engine.embed(crops_of(engine, files))
        ],
    )
    report(f"{name}, photographs", photographs_compared(people, no_center))
    report(f"{name}, templates", templates_compared(people, no_center))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", help="`dlib` or the name of a pack")
    parser.add_argument("photos", type=Path, help="a folder with one folder per person")
    parser.add_argument("--model-root", type=Path, default=Path("~/.insightface"))
    parser.add_argument("--write-mean", action="store_true", help="store dlib's population mean")
    arguments = parser.parse_args()
    if arguments.model == DLIB:
        calibrate_dlib(arguments.photos, arguments.write_mean)
    else:
        calibrate_pack(arguments.model, arguments.model_root, arguments.photos)


if __name__ == "__main__":
    main()
