"""Keep a copy of everything, and make a working service of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from service.domain.collection import Collection
from service.domain.errors import BackupTooNew
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from service.vault.archive import Manifest

if TYPE_CHECKING:
    from service.storage.dump_restore import DatabaseDumps
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.archive import SealedArchive, SealedArchives
    from service.vault.vault import Vault

SAMPLED_SUBJECTS = 20
"""Of each collection, so many people's templates are opened after a restore."""


class BackupStep(StrEnum):
    SAVING = "saving"
    CHECKING = "checking"
    LOADING = "loading"


Watch = Callable[[BackupStep, int], None]
"""Told after each piece how many bytes of the dump it had."""


@dataclass(frozen=True, slots=True)
class Restored:
    """`collections`: all, each one's key opened. `templates`: how many of them were opened."""

    manifest: Manifest
    revision: str
    collections: int
    templates: int


class Backup:
    """DatabaseDumps the database as it is at one moment; the service keeps working meanwhile."""

    def __init__(
        self,
        dumps: DatabaseDumps,
        archives: SealedArchives,
        storage: Storage,
        vault: Vault,
        clock: Callable[[], datetime],
        service_version: str,
    ) -> None:
        self._dumps = dumps
        self._archives = archives
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._service_version = service_version

    def __call__(self, path: Path, watch: Watch) -> Manifest:
        """Writes `path`, which must be new. Raises `MasterKeyInvalid` where the key at hand is not
        the database's, and what `DatabaseDumps` and `SealedArchives` raise.
        """
        with self._dumps.snapshot() as snapshot:
            self._require_right_key(snapshot.contents.revision)
            manifest = Manifest(self._clock(), self._service_version, snapshot.contents)
            self._archives.write(
                path, manifest, _watched(snapshot.dump(), BackupStep.SAVING, watch)
            )
        return manifest

    def _require_right_key(self, revision: str) -> None:
        """A backup under another key than the database's would be found out when it is needed.

        A database of an older revision, backed up before it is migrated, cannot be read here. What
        was altered is backed up as it is: it is the evidence.
        """
        if revision == self._dumps.newest_revision:
            with self._storage.transaction() as tx:
                for name in tx.collections.names():
                    if (collection := tx.collections.unproved(name)) is not None:
                        UnlockedCollection.unlock(collection, self._vault)


class Restore:
    """Into an empty database only. Whatever can be found wrong is found before anything changes.

    `dumps` and `storage` are asked for late: making them may start a database.
    """

    def __init__(
        self,
        archives: SealedArchives,
        dumps: Callable[[], DatabaseDumps],
        storage: Callable[[], Storage],
        vault: Vault,
    ) -> None:
        self._archives = archives
        self._dumps = dumps
        self._storage = storage
        self._vault = vault

    def __call__(self, path: Path, watch: Watch) -> Restored:
        """Raises `MasterKeyInvalid`, `BackupDamaged`, `BackupTooNew`, `DatabaseNotEmpty`,
        `DatabaseUnsuitable`, `DatabaseUnavailable`, `CopyFailed`: nothing was changed;
        `TemplateTampered`, `RecordTampered`, `AuditTampered` after the work: the database had been
        altered before it was backed up.
        """
        archive = self._archives.open(path)
        for _ in _watched(archive.dump(), BackupStep.CHECKING, watch):
            pass
        dumps = self._dumps()
        self._load(dumps, archive, watch)
        dumps.migrate()
        with self._storage().transaction() as tx:
            tx.templates.begin_epochs()
            names = tx.collections.names()
            opened = sum(self._open_some(tx, require_collection(tx, name)) for name in names)
        return Restored(archive.manifest, dumps.newest_revision, len(names), opened)

    def _load(self, dumps: DatabaseDumps, archive: SealedArchive, watch: Watch) -> None:
        contents = archive.manifest.contents
        if not dumps.knows(contents.revision):
            raise BackupTooNew(version=archive.manifest.service_version)
        dumps.require_place_for(contents)
        dumps.load(contents, _watched(archive.dump(), BackupStep.LOADING, watch))

    def _open_some(self, tx: Transaction, collection: Collection) -> int:
        unlocked = UnlockedCollection.unlock(collection, self._vault)
        subjects = tx.subjects.page(collection, SAMPLED_SUBJECTS, None)
        proved = sorted(tx.subjects.existing(collection, [one.subject_id for one in subjects]))
        rows = tx.templates.of_all(collection, proved)
        for row in rows:
            unlocked.open(row)
        return len(rows)


def _watched(pieces: Iterable[bytes], step: BackupStep, watch: Watch) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        watch(step, len(piece))
