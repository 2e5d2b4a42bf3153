"""The database: its address, its gallery, and what is counted in it."""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING

from service.usecases.backup import Backup, Restore
from service.wiring.keys import KeysWiring
from service.wiring.parts import DISTRIBUTION, now

if TYPE_CHECKING:
    from limits.storage import Storage as CounterStorage

    from service.api.rate_limits import RateLimits
    from service.storage.dump_restore import DatabaseDumps
    from service.storage.scrub import Scrubbed
    from service.storage.storage import Storage


class StorageWiring(KeysWiring):
    """Where people are kept, and what is done with all of them at once."""

    @cached_property
    def database_url(self) -> str:
        """As `server_url`; the embedded one is migrated."""
        if self.config.database_url is None:
            from service.storage.migrations import migrate

            migrate(self.server_url)
        return self.server_url

    def migrate(self) -> None:
        """Bring the database to the newest revision. Raises `DatabaseUnavailable`."""
        from service.storage.migrations import migrate

        migrate(self.database_url)

    def scrub(self) -> Scrubbed:
        """Make the database's files forget what was deleted. Raises what `scrub` raises."""
        from service.storage.scrub import scrub

        return scrub(self.database_url)

    @cached_property
    def storage(self) -> Storage:
        from service.storage.engine import POOL_SIZE
        from service.storage.storage import Storage

        if self._metrics is not None:
            self._metrics.connects(POOL_SIZE)
        return Storage(self.database_url, now, lambda: self.vault, telemetry=self._telemetry)

    def _copies(self) -> DatabaseDumps:
        from service.storage.dump_restore import DatabaseDumps

        return DatabaseDumps(self.server_url)

    @property
    def backup(self) -> Backup:
        """Of the database as it is: one of an older version is not migrated first."""
        from service.storage.storage import Storage
        from service.vault.archive import SealedArchives

        vault = self._present_vault
        storage = Storage(self.server_url, vault=lambda: vault)
        version = metadata.version(DISTRIBUTION)
        return Backup(self._copies(), SealedArchives(vault), storage, vault, now, version)

    @property
    def restore(self) -> Restore:
        """Starts no database before it has a backup that can be restored."""
        from service.storage.storage import Storage
        from service.vault.archive import SealedArchives

        vault = self._present_vault
        archives = SealedArchives(vault)

        def storage() -> Storage:
            return Storage(self.server_url, vault=lambda: vault)

        return Restore(archives, self._copies, storage, vault)

    @cached_property
    def rate_limits(self) -> RateLimits:
        from service.api.rate_limits import RateLimits

        return RateLimits(
            self._counters,
            per_key=self.config.rate_limit_per_key,
            per_address=self.config.rate_limit_per_address,
            failures=self.config.rate_limit_failures,
        )

    @property
    def counters_answer(self) -> bool:
        """Whether calls can be counted now, in Redis or in the database."""
        return bool(self._counters.check())

    @cached_property
    def _counters(self) -> CounterStorage:
        from service.api.rate_limits import redis_counters

        if self.config.rate_limit_storage is None:
            return self.storage.counters()
        return redis_counters(self.config.rate_limit_storage.get_secret_value())
