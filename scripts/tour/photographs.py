"""Real photographs of two people: the user's own, or those of a package on PyPI."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.environment import Environment, EnvironmentFailed
from scripts.tour.table import StepFailed
from scripts.tour.words import Words

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_ENROLLED = 3
"""Photographs of the first person that are enrolled; the one after them is the probe."""

_PACKAGE = "face_recognition-1.3.0"
_REQUIREMENT = (
    "face_recognition==1.3.0 "
    "--hash=sha256:5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec\n"
)
"""The source package with its hash: pip runs its setup.py to read its name, so it must be this one."""

_PORTRAITS: Mapping[str, Sequence[str]] = {
    "obama": ("obama.jpg", "obama2.jpg", "obama3.jpg"),
    "biden": ("biden.jpg",),
}


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: photographs to enroll, another one of the same person, one of somebody else."""

    subject: str
    enrolled: Sequence[Path]
    same: Path
    other: Path


def from_folder(folder: Path, words: Words) -> Cast:
    """One folder per person in `folder`. Raises `StepFailed`."""
    people = {person.name: _images(person) for person in _folders(folder)}
    first = next((name for name, images in people.items() if len(images) > 1), None)
    strangers = [images[0] for name, images in people.items() if name != first and images]
    if first is None or not strangers:
        advice = words("advice_folder", folder=folder)
        raise StepFailed(str(folder), advice)
    images = people[first]
    used = min(_ENROLLED, len(images) - 1)
    return Cast(first, images[:used], images[used], strangers[0])


def from_package(environment: Environment, words: Words) -> Cast:
    """The portraits, fetched by pip unless they are there from an earlier run. Raises `StepFailed`."""
    folder = environment.folder / "quickstart-photographs"
    if not folder.is_dir():
        try:
            _fetch(environment, folder)
        except (EnvironmentFailed, OSError, KeyError) as error:
            raise StepFailed(str(error), words("advice_photographs")) from error
    return from_folder(folder, words)


def _fetch(environment: Environment, folder: Path) -> None:
    draft = folder.with_name(f"{folder.name}.part")
    draft.mkdir(parents=True, exist_ok=True)
    requirement = draft / "requirements.txt"
    requirement.write_text(_REQUIREMENT, "ascii")
    environment.pip("download", "--no-deps", "--no-binary", ":all:", "-d", draft, "-r", requirement)
    _unpack(draft / f"{_PACKAGE}.tar.gz", draft)
    draft.rename(folder)


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as source:
        for person, names in _PORTRAITS.items():
            (folder / person).mkdir(exist_ok=True)
            for name in names:
                member = source.extractfile(f"{_PACKAGE}/tests/test_images/{name}")
                if member is not None:
                    (folder / person / name).write_bytes(member.read())


def _folders(folder: Path) -> list[Path]:
    """Longest rows of photographs first, then by name."""
    people = [path for path in sorted(folder.glob("*")) if path.is_dir()]
    return sorted(people, key=lambda person: -len(_images(person)))


def _images(person: Path) -> list[Path]:
    return sorted(path for path in person.iterdir() if path.suffix.lower() in _SUFFIXES)
