"""What `face doctor` tells of the database that a connection has reached."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from service.gallery.connecting import driver_of, is_encrypted

_VERSION = text("SELECT split_part(current_setting('server_version'), ' ', 1)")
_REVISION = text("SELECT version_num FROM alembic_version")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`host`: a name, an address or the folder of a socket. `encrypted`: by TLS, as libpq says."""

    host: str
    port: int
    database: str
    role: str
    version: str
    encrypted: bool
    revision: str


def server_facts(connection: Connection) -> ServerFacts:
    """Of the migrated database behind `connection`. Raises psycopg's errors."""
    driver = driver_of(connection)
    return ServerFacts(
        host=driver.info.host,
        port=driver.info.port,
        database=driver.info.dbname,
        role=driver.info.user,
        version=connection.execute(_VERSION).scalar_one(),
        encrypted=is_encrypted(connection),
        revision=connection.execute(_REVISION).scalar_one(),
    )
