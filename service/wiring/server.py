"""The database server: the configured one, or the embedded one of this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from service.wiring.database_url import configured_url
from service.wiring.parts import Parts

if TYPE_CHECKING:
    from service.storage.embedded.server import EmbeddedServer


class ServerWiring(Parts):
    """Where the database is."""

    @cached_property
    def server_url(self) -> str:
        """The configured server's address, or that of the embedded one, started."""
        if self.config.database_url is not None:
            url = self.config.database_url.get_secret_value()
            return configured_url(url, self.config.database_password_file)
        return self.embedded.url

    @property
    def restart_database(self) -> Callable[[], None] | None:
        """To be called every second by a process that serves; None for a server of somebody else."""
        if self.config.database_url is not None:
            return None
        from service.storage.embedded.restart import ServerRestart

        return ServerRestart(self.embedded)

    @cached_property
    def embedded(self) -> EmbeddedServer:
        """Started. Raises `DatabaseUnavailable`."""
        from service.storage.embedded.server import start_embedded

        return start_embedded(self.config.data_dir)
