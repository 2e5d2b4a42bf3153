"""Ports for servers that take a while from being told theirs to listening at it."""

from __future__ import annotations

import random
import socket

_BELOW_THOSE_OF_CALLERS = range(20_000, 32_000)
"""Systems give ports from 32,768 on to whoever connects: one from there may be taken meanwhile."""


def free_port() -> int:
    """Of loopback."""
    while True:
        port = random.choice(_BELOW_THOSE_OF_CALLERS)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
