"""Connections that do not behave: silent, slow, deaf or in a hurry. On loopback, and few thousand."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

LOOPBACK = "127.0.0.1"

CONNECT_SECONDS = 60.0

ASSET = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Stranger:
    """One connection, from whichever loopback address."""

    def __init__(self, port: int, address: str = LOOPBACK, window: int | None = None) -> None:
        """`window`: bytes that it is ready to take before it reads."""
        self.socket = socket.socket()
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.bind((address, 0))
        self.socket.settimeout(CONNECT_SECONDS)
        self.socket.connect((LOOPBACK, port))

    def send(self, data: bytes) -> None:
        """As much as goes at once; what was cut off is no error."""
        self.socket.setblocking(False)
        with suppress(OSError):
            self.socket.send(data)

    @property
    def is_cut_off(self) -> bool:
        """Whether the server has ended it. Reads what came."""
        self.socket.setblocking(False)
        try:
            while True:
                if not self.socket.recv(65_536):
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        self.socket.close()


@contextmanager
def strangers(make: Callable[[], Stranger], number: int) -> Iterator[list[Stranger]]:
    with ExitStack() as stack:
        crowd = [make() for _ in range(number)]
        for one in crowd:
            stack.callback(one.close)
        yield crowd


def pour(crowd: list[Stranger], data: bytes, seconds: float, most: int) -> int:
    """All of them send `data` over and over and read nothing; how many bytes went, at most `most`."""
    selector, sent, end = selectors.DefaultSelector(), 0, time.monotonic() + seconds
    for one in crowd:
        one.socket.setblocking(False)
        selector.register(one.socket, selectors.EVENT_WRITE)
    while sent < most and time.monotonic() < end and selector.get_map():
        for key, _ in selector.select(0.1):
            try:
                sent += key.fileobj.send(data)  # type: ignore[union-attr]
            except BlockingIOError:
                continue
            except OSError:
                selector.unregister(key.fileobj)
    selector.close()
    return sent
