"""Presentations to measure a liveness check on: `bonafide/`, and a folder below `attack/` for each species."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from service.bulk.formats import is_photograph
from service.domain.passive_liveness import FRAMES_OF_A_CHECK, Presentation

BONA_FIDE = "bonafide"
ATTACK = "attack"


def presentations(folder: Path) -> list[Presentation]:
    """A picture is a presentation; so is a folder of pictures, the frames of one recording."""
    found = [*_of_species(folder / BONA_FIDE, None)]
    for species in _visible(folder / ATTACK):
        if species.is_dir():
            found += _of_species(species, species.name)
    return found


def _of_species(folder: Path, species: str | None) -> Iterator[Presentation]:
    for path in _visible(folder):
        files = _frames(path) if path.is_dir() else [path] if is_photograph(path.name) else []
        if files:
            name = path.relative_to(folder.parent).as_posix()
            yield Presentation(name, species, [str(file) for file in files])


def _frames(folder: Path) -> Sequence[Path]:
    """As many as a check looks at: the middles of equal parts of the recording."""
    files = [path for path in _visible(folder) if is_photograph(path.name) and path.is_file()]
    parts = min(FRAMES_OF_A_CHECK, len(files))
    return [files[len(files) * (2 * part + 1) // (2 * parts)] for part in range(parts)]


def _visible(folder: Path) -> list[Path]:
    """By name, 2 before 10; empty where there is no such folder."""
    if not folder.is_dir():
        return []
    paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(paths, key=lambda path: (len(path.name), path.name))
