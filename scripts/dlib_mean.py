"""Write the mean that dlib's descriptors are centered on: `dlib_mean.py PHOTOS`, one folder per person.

How well dlib tells people apart around it is measured by `face calibrate`, on other people than these:
a mean that contains the very people who are compared flatters them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.adapters import image_limits
from service.capture.directory import directory_photographs
from service.config import AppConfig
from service.domain.face import FaceCrop
from service.engine.dlib import DESCRIPTOR_SIZE, DlibEngine, find_weights
from service.engine.pool import WorkerPool

MOST_OF_A_PERSON = 50
MEAN_FILE = Path(__file__).parents[1] / "service" / "engine" / "dlib_population_mean.json"


def descriptors(engine: DlibEngine, folder: Path) -> Iterator[NDArray[np.float64]]:
    """Of the photographs in one person's folder that show a face."""
    limits = image_limits(AppConfig())
    for found in engine.detect(directory_photographs(str(folder), MOST_OF_A_PERSON, limits, None)):
        if isinstance(found, FaceCrop):
            yield engine.descriptor(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, help="a folder with one folder per person")
    folders = sorted(each for each in parser.parse_args().photos.iterdir() if each.is_dir())
    threshold = AppConfig().detection_threshold
    engine = DlibEngine(find_weights(), np.zeros(DESCRIPTOR_SIZE), threshold, WorkerPool())
    vectors = [vector for folder in folders for vector in descriptors(engine, folder)]
    document = {
        "provenance": f"mean descriptor of {len(vectors)} photographs of {len(folders)} people, "
        "written by scripts/dlib_mean.py",
        "model": engine.model.model_id,
        "mean": [round(float(number), 6) for number in np.mean(vectors, axis=0)],
    }
    MEAN_FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
