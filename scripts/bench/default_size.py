"""A model pack of the size of buffalo_l, which most people run: `python -m scripts.bench.default_size FOLDER`

Its recognizer has buffalo_l's architecture and random weights. It costs as much and recognizes nobody: any two
faces have a cosine of 0.7 to 0.95. Its detector finds the faces that the small one of `mobile_s` finds, at ten
times its work.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from scripts.bench.heavy_detector import Backbone
from scripts.bench.iresnet import IResNet
from scripts.bench.setup import Setup
from service.engine.packs import open_pack, pack_folder

NAME = "default_size"
_SEED = 10


@dataclass(frozen=True, slots=True)
class Size:
    """Of the two networks; by default buffalo_l's."""

    recognizer: IResNet = field(default_factory=IResNet)
    detector: Backbone = field(default_factory=Backbone)


FULL = Size()
SMALL = Size(
    IResNet(blocks=(1, 1, 1, 1), channels=(8, 8, 8, 8)),
    Backbone(stem=(8, 8, 8), blocks=(1, 1, 1, 1), channels=(8, 8, 8, 8)),
)
"""At which figures mean nothing."""


def write_default_size(model_root: Path, small_detector: Path, size: Size = FULL) -> Path:
    """Puts the pack `NAME` into the model root and gives its folder. Whoever looks into it meanwhile finds
    each of its files whole or not at all.

    `small_detector`: the ONNX file whose faces are found.
    """
    folder = pack_folder(NAME, model_root)
    folder.mkdir(parents=True, exist_ok=True)
    _write(size.detector.beside(onnx.load(str(small_detector)), _SEED), folder / "det_heavy.onnx")
    _write(size.recognizer.model(_SEED), folder / "iresnet50.onnx")
    return folder


@contextmanager
def at_default_size(setup: Setup) -> Iterator[Setup]:
    """`setup` with this pack in place of its own, whose detector it takes; the files are there meanwhile."""
    own = open_pack(setup.model_name, pack_folder(setup.model_name, setup.model_root))
    with TemporaryDirectory(dir=setup.scratch) as folder:
        write_default_size(Path(folder), own.detection.path, SMALL if setup.small else FULL)
        yield replace(setup, model_root=Path(folder), model_name=NAME)


def _write(model: onnx.ModelProto, file: Path) -> None:
    unfinished = file.with_suffix(".partial")
    unfinished.write_bytes(model.SerializeToString())
    unfinished.replace(file)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bench.default_size",
        description=f"Write the pack {NAME}, of buffalo_l's size, into a model root.",
    )
    parser.add_argument("model_root", type=Path, metavar="FOLDER")
    parser.add_argument("--model-root", type=Path, default=Path("../shared/insightface"), dest="of")
    parser.add_argument("--model", default="mobile_s", help="the pack whose detector is used")
    given = parser.parse_args()
    small = open_pack(given.model, pack_folder(given.model, given.of))
    print(write_default_size(given.model_root, small.detection.path))


if __name__ == "__main__":
    main()
