"""The database: its address, its gallery, and what is counted in it."""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING

from service.domain.ports import RateLimit
from service.usecases.backup import Backup, Restore
from service.usecases.limiting import CallLimits
from service.wiring.keys import KeysWiring
from service.wiring.parts import DISTRIBUTION, now

if TYPE_CHECKING:
    from limits.storage import Storage

    from service.gallery.copies import PostgresCopies
    from service.gallery.database import PostgresGallery
    from service.gallery.scrubbing import Scrubbed


class StorageWiring(KeysWiring):
    """Where people are kept, and what is done with all of them at once."""

    @cached_property
    def database_url(self) -> str:
        """As `server_url`; the embedded one is migrated."""
        if self.config.database_url is None:
            from service.gallery.migrations import migrate

            migrate(self.server_url)
        return self.server_url

    def migrate(self) -> None:
        """Bring the database to the newest revision. Raises `DatabaseUnavailable`."""
        from service.gallery.migrations import migrate

        migrate(self.database_url)

    def scrub(self) -> Scrubbed:
        """Make the database's files forget what was deleted. Raises what `scrub` raises."""
        from service.gallery.scrubbing import scrub

        return scrub(self.database_url)

    @cached_property
    def gallery(self) -> PostgresGallery:
        from service.gallery.connecting import POOL_SIZE
        from service.gallery.database import PostgresGallery

        gallery = PostgresGallery(self.database_url, now, lambda: self.vault)
        if self._metrics is None:
            return gallery
        from service.observing.watching import watched_gallery

        self._metrics.connects(POOL_SIZE)
        return watched_gallery(gallery, self._metrics)

    def _copies(self) -> PostgresCopies:
        from service.gallery.copies import PostgresCopies

        return PostgresCopies(self.server_url)

    @property
    def backup(self) -> Backup:
        """Of the database as it is: one of an older version is not migrated first."""
        from service.gallery.database import PostgresGallery
        from service.vault.archive import SealedArchives

        vault = self._present_vault
        gallery = PostgresGallery(self.server_url, vault=lambda: vault)
        version = metadata.version(DISTRIBUTION)
        return Backup(self._copies(), SealedArchives(vault), gallery, vault, now, version)

    @property
    def restore(self) -> Restore:
        """Starts no database before it has a backup that can be restored."""
        from service.gallery.database import PostgresGallery
        from service.vault.archive import SealedArchives

        vault = self._present_vault
        archives = SealedArchives(vault)

        def gallery() -> PostgresGallery:
            return PostgresGallery(self.server_url, vault=lambda: vault)

        return Restore(archives, self._copies, gallery, vault)

    @cached_property
    def call_limits(self) -> CallLimits:
        return CallLimits(
            per_key=self._rate_limit("key", self.config.rate_limit_per_key),
            per_address=self._rate_limit("address", self.config.rate_limit_per_address),
            failures=self._rate_limit("failures", self.config.rate_limit_failures),
            by_address=bool(
                {self.config.rate_limit_per_address, self.config.rate_limit_failures} - {"off"}
            ),
        )

    @property
    def counters_answer(self) -> bool:
        """Whether calls can be counted now, in Redis or in the database."""
        return bool(self._counters.check())

    def _rate_limit(self, name: str, rate: str) -> RateLimit:
        from service.limiting.windows import Unlimited, WindowLimit

        return Unlimited() if rate == "off" else WindowLimit(name, rate, self._counters)

    @cached_property
    def _counters(self) -> Storage:
        from service.limiting.redis import redis_counters

        if self.config.rate_limit_storage is None:
            return self.gallery.counters()
        return redis_counters(self.config.rate_limit_storage.get_secret_value())
