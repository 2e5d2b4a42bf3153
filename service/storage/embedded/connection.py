"""How the embedded server is reached by whoever starts it."""

from __future__ import annotations

import psycopg
from sqlalchemy.engine import URL

from service.domain.errors import DatabaseUnavailable
from service.storage.embedded.address import Address
from service.storage.embedded.folder import SUPERUSER
from service.storage.engine import CONNECT_SECONDS
from service.storage.failures import diagnosis_of


def create_database(address: Address, name: str) -> None:
    """Where it is not there yet. Raises `DatabaseUnavailable`."""
    try:
        with _connection(address) as connection:
            exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if not exists.rowcount:
                connection.execute(
                    psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name))
                )
    except psycopg.OperationalError as error:
        unavailable = DatabaseUnavailable()
        unavailable.diagnosis = diagnosis_of(error)
        raise unavailable from None


def accepts(address: Address) -> bool:
    try:
        _connection(address).close()
    except psycopg.OperationalError:
        return False
    return True


def url_of(address: Address, database: str) -> str:
    """For SQLAlchemy."""
    url = URL.create(
        "postgresql+psycopg",
        username=SUPERUSER,
        database=database,
        query={"host": address.host, "port": str(address.port)},
    )
    return url.render_as_string(hide_password=False)


def _connection(address: Address) -> psycopg.Connection:
    return psycopg.connect(
        host=address.host,
        port=address.port,
        user=SUPERUSER,
        dbname=SUPERUSER,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
    )
