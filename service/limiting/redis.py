"""Counters in Redis, for several machines or where the database should not count."""

from __future__ import annotations

from limits.storage import RedisStorage

REPLY_SECONDS = 1
"""How long Redis may take to answer, or to be reached, before a call is refused."""


def redis_counters(url: str) -> RedisStorage:
    """Connects when first used. Its failures are the library's `StorageError`.

    `url`: `redis://…`, `rediss://…` for TLS, `redis+unix://…`.
    """
    return RedisStorage(
        url,
        wrap_exceptions=True,
        socket_timeout=REPLY_SECONDS,
        socket_connect_timeout=REPLY_SECONDS,
    )
