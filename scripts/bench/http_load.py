"""Callers over HTTP that cost next to nothing themselves: blocking sockets, requests made beforehand.

The load shares the machine with the server it measures, so nothing is parsed that need not be.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from uuid import uuid4

ANSWER_SECONDS = 120.0
"""How long an answer may take before the call counts as lost."""

LOST = 0
"""Stands for the status of a call without an answer."""

_PIECE = 65_536
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load. `latencies`: seconds of each answered call; `statuses`: how many of each."""

    seconds: float
    latencies: Sequence[float]
    statuses: Mapping[int, int]
    retry_after: int = 0
    """Answers that said when to come again."""

    @property
    def per_second(self) -> float:
        """Calls answered by 2xx, a second."""
        done = sum(number for status, number in self.statuses.items() if 200 <= status < 300)
        return done / self.seconds

    @property
    def median_latency(self) -> float:
        """Seconds."""
        return median(self.latencies)


@dataclass(slots=True)
class _Tally:
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    retry_after: int = 0


def multipart(
    path: str, key: str, fields: Mapping[str, str], images: Sequence[bytes], host: str = "bench"
) -> bytes:
    """A whole request, head and body: `fields` and `images` by POST, as browsers send forms."""
    boundary = uuid4().hex
    parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
    parts += [_part(boundary, 'name="images"; filename="photo"', image) for image in images]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _part(boundary: str, name: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {name}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def drive(
    address: tuple[str, int], requests: Sequence[bytes], callers: int, seconds: float
) -> Load:
    """`callers` at once, each on a connection of its own that stays open, for `seconds`.

    They take `requests` in turn, round and round. Calls under way at the end are waited for, and
    the time they took counts.
    """
    turns, tally = count(), [_Tally() for _ in range(callers)]
    started = time.perf_counter()
    threads = [
        threading.Thread(target=_call, args=(address, requests, turns, started + seconds, each))
        for each in tally
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _together(time.perf_counter() - started, tally)


def once(address: tuple[str, int], request: bytes) -> tuple[int, bytes]:
    """Status and body of one call."""
    with socket.create_connection(address, ANSWER_SECONDS) as connection:
        status, _, body = _answered(connection, request)
    return status, body


def _call(
    address: tuple[str, int],
    requests: Sequence[bytes],
    turns: count[int],
    until: float,
    tally: _Tally,
) -> None:
    connection = _connected(address)
    while (started := time.perf_counter()) < until:
        try:
            status, head, _ = _answered(connection, requests[next(turns) % len(requests)])
        except OSError:  # refused or cut off: the next call is made on a new connection
            tally.statuses[LOST] += 1
            connection.close()
            connection = _connected(address)
            continue
        tally.latencies.append(time.perf_counter() - started)
        tally.statuses[status] += 1
        tally.retry_after += b"\r\nretry-after:" in head
    connection.close()


def _connected(address: tuple[str, int]) -> socket.socket:
    connection = socket.create_connection(address, ANSWER_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _answered(connection: socket.socket, request: bytes) -> tuple[int, bytes, bytes]:
    """Status, head in small letters, body. Raises `OSError` where the answer does not come whole."""
    connection.sendall(request)
    received = bytearray()
    while (end := received.find(_END_OF_HEAD)) < 0:
        received += _piece(connection)
    head = bytes(received[:end]).lower()
    body = received[end + len(_END_OF_HEAD) :]
    while len(body) < _length(head):
        body += _piece(connection)
    return int(head[9:12]), head, bytes(body)


def _piece(connection: socket.socket) -> bytes:
    piece = connection.recv(_PIECE)
    if not piece:
        raise ConnectionError("the server hung up")
    return piece


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def _together(seconds: float, tally: Sequence[_Tally]) -> Load:
    statuses: Counter[int] = Counter()
    for each in tally:
        statuses.update(each.statuses)
    latencies = [latency for each in tally for latency in each.latencies]
    return Load(seconds, latencies, statuses, sum(each.retry_after for each in tally))
