"""What a copy of the whole database says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database held at one moment.

    `revision`: of the migrations. `postgresql`, `pgvector`: versions, as in `18.4`. `roles`: who
    was granted something there, beside the owner. `rows`: how many, by table.
    """

    revision: str
    postgresql: str
    pgvector: str
    model_ids: tuple[str, ...]
    roles: tuple[str, ...]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    made_at: datetime
    service_version: str
    contents: Contents
