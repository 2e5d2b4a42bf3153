"""How many bytes of bodies this process holds at a time, and how many of them are one key's.

Places alone do not bound memory: 128 bodies of the largest kind are 35 GiB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from service.domain.errors import Overloaded

LEAST_OF_KEY = 256 * 1024 * 1024
"""Bytes: a hundred photographs of a phone at a time, where single bodies may be small. What is made
of a JSON body on its way to pixels takes up to four times its bytes for a moment.
"""


class BodyMemory:
    """For the event loop's thread alone. `largest`: bytes that one body may have; a key may hold that
    much, or `LEAST_OF_KEY`, and the process twice as much, so that one key leaves something to others.
    """

    def __init__(self, largest: int) -> None:
        self._of_key = max(LEAST_OF_KEY, largest)
        self._most = 2 * self._of_key
        self._bytes = 0
        self._keys: Counter[str] = Counter()

    @contextmanager
    def share(self, key: str) -> Iterator[BodyShare]:
        """One call's, for the time of the block."""
        share = BodyShare(self, key)
        try:
            yield share
        finally:
            self._count(key, -share.taken)

    def require_room(self, key: str, size: int) -> None:
        """Raises `Overloaded` where `size` bytes more are too many."""
        if self._bytes + size > self._most or self._keys[key] + size > self._of_key:
            raise Overloaded

    def take(self, key: str, size: int) -> None:
        """Raises `Overloaded`."""
        self.require_room(key, size)
        self._count(key, size)

    def _count(self, key: str, size: int) -> None:
        self._bytes += size
        self._keys[key] += size
        if not self._keys[key]:
            del self._keys[key]  # keys come and go


class BodyShare:
    """What one call holds of it. Bytes count as they come: what is only announced keeps nobody out."""

    def __init__(self, memory: BodyMemory, key: str) -> None:
        self._memory = memory
        self._key = key
        self.taken = 0

    def require_room(self, announced: int) -> None:
        """Before the first byte comes. Raises `Overloaded`."""
        self._memory.require_room(self._key, announced)

    def take(self, size: int) -> None:
        """Raises `Overloaded`."""
        self._memory.take(self._key, size)
        self.taken += size
