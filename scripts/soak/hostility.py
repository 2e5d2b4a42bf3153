"""Every kind of caller that a server on an open port will see. Each goes on until it is stopped."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from scripts.soak.strangers import ASSET, Stranger, pour, strangers

ROUND_SECONDS = 10.0
"""How long one crowd stays before the next one of its kind comes."""

Hostility = Callable[[int, str, threading.Event], None]
"""Of a port, with a key that may make tokens, until the event."""


def silent(port: int, _key: str, stop: threading.Event) -> None:
    """Connects and says nothing."""
    _crowd(port, 400, b"", stop)


def deaf(port: int, _key: str, stop: threading.Event) -> None:
    """Asks for the largest page, and reads nothing."""
    _crowd(port, 100, ASSET * 3, stop, window=4096)


def slow_head(port: int, _key: str, stop: threading.Event) -> None:
    """Sends a header byte by byte."""
    _crowd(port, 100, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ", stop, more=b"y")


def slow_body(port: int, key: str, stop: threading.Event) -> None:
    """Sends a large body byte by byte, with a key."""
    _crowd(port, 260, _head(key, 10_000_000) + b"{", stop, more=b" ")


def stranger_body(port: int, _key: str, stop: threading.Event) -> None:
    """The same with a wrong key, long after it was refused."""
    _crowd(port, 50, _head("face_wrong", 10_000_000) + b"{", stop, more=b" ")


def hurried(port: int, key: str, stop: threading.Event) -> None:
    """Sends requests without waiting for answers, with bodies and without."""
    bare = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" * 1000
    bodies = (_head(key, 2) + b"{}") * 500
    while not stop.is_set():
        for data in (bare, bodies):
            with suppress(OSError), strangers(lambda: Stranger(port), 10) as crowd:
                pour(crowd, data, seconds=2.0, most=20_000_000)
            stop.wait(1.0)


def noise(port: int, _key: str, stop: threading.Event) -> None:
    """Sends what is not HTTP, and goes."""
    while not stop.wait(0.1):
        with suppress(OSError), strangers(lambda: Stranger(port), 5) as crowd:
            for one in crowd:
                one.send(os.urandom(2000))


def gone(port: int, key: str, stop: threading.Event) -> None:
    """Makes a call and does not wait for its answer."""
    body = b'{"images": [""]}'
    while not stop.wait(0.1):
        with suppress(OSError), strangers(lambda: Stranger(port), 5) as crowd:
            for one in crowd:
                one.send(_head(key, len(body)) + body)


HOSTILITIES: Mapping[str, Hostility] = {
    kind.__name__: kind
    for kind in (silent, deaf, slow_head, slow_body, stranger_body, hurried, noise, gone)
}


def _crowd(
    port: int,
    number: int,
    first: bytes,
    stop: threading.Event,
    more: bytes = b"",
    window: int | None = None,
) -> None:
    """So many connections that send `first`, and `more` once a second; then as many new ones."""
    while not stop.is_set():
        with suppress(OSError), strangers(lambda: Stranger(port, window=window), number) as crowd:
            for one in crowd:
                one.send(first)
            for _ in range(int(ROUND_SECONDS)):
                if stop.wait(1.0):
                    return
                for one in crowd:
                    one.send(more)


def _head(key: str, length: int) -> bytes:
    return (
        f"POST /token/images HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()
