"""A copy of the whole database, what it says of itself, and the ports to make and to load one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


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


class Snapshot(Protocol):
    """The database as it was at one moment, whatever happens to it meanwhile."""

    @property
    def contents(self) -> Contents: ...

    def dump(self) -> Iterator[bytes]:
        """All of it, in a form that `Copies.load` reads. Raises `CopyFailed`."""
        ...


class Copies(Protocol):
    """A database as a whole."""

    @property
    def newest_revision(self) -> str:
        """The newest one that this code knows."""
        ...

    def knows(self, revision: str) -> bool:
        """Whether this code can migrate a database of that revision."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Raises `DatabaseUnavailable`, `DatabaseNotMigrated`, `DatabaseUnsuitable`."""
        ...

    def require_place_for(self, contents: Contents) -> None:
        """Raises `DatabaseNotEmpty`, `DatabaseUnsuitable`, `DatabaseUnavailable`."""
        ...

    def load(self, contents: Contents, dump: Iterable[bytes]) -> None:
        """All of it or nothing, also where `dump` raises. Raises `CopyFailed`."""
        ...

    def migrate(self) -> None:
        """Bring it to the newest revision."""
        ...


class Archive(Protocol):
    """A backup's file, its manifest proved to be genuine."""

    @property
    def manifest(self) -> Manifest: ...

    def dump(self) -> Iterator[bytes]:
        """What was backed up, each piece proved before it is handed out; again from the start
        each time. Raises `BackupDamaged`.
        """
        ...


class Archives(Protocol):
    def write(self, path: Path, manifest: Manifest, dump: Iterable[bytes]) -> None:
        """A new file, whole or not at all. Raises `FileExistsError` and other `OSError`s."""
        ...

    def open(self, path: Path) -> Archive:
        """Raises `BackupDamaged`, `MasterKeyInvalid`, `OSError`."""
        ...
