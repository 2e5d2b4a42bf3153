"""What every benchmark is given: the model, the photographs, the database, and how much to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.bench.databases import Databases
from service.config import AppConfig

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Setup:
    """`photos`: one folder per person. `small`: as little as proves that a benchmark works.

    `hnsw_up_to`: the largest gallery for which pgvector's HNSW is built. `scratch`: where large
    temporary files go; None: the system's folder.
    """

    model_root: Path
    model_name: str
    photos: Path
    databases: Databases
    small: bool = False
    hnsw_up_to: int = MILLION
    scratch: Path | None = None

    @property
    def people(self) -> Sequence[Path]:
        """A folder of photographs for each person."""
        return sorted(folder for folder in self.photos.iterdir() if folder.is_dir())

    def config(self, **settings: object) -> AppConfig:
        """The service's settings with this model, on the CPU."""
        chosen = {"model_root": self.model_root, "model_name": self.model_name, "use_gpu": False}
        return AppConfig.model_validate({**chosen, **settings})
