"""What the vault needs of a master key, wherever that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Use(StrEnum):
    """What a wrapped key is for. Part of what it is bound to, so these words never change."""

    DATA = "data-key"
    NAMES = "name-key"


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Which key of which collection: one that was wrapped for another place does not open."""

    collection_id: UUID
    key_id: UUID
    use: Use


class KeyWrapper(Protocol):
    """A master key. Every implementation authenticates: what opens is what was wrapped, here."""

    def wrap(self, secret: bytes, place: KeyPlace) -> bytes:
        """Raises `KeyServiceUnavailable`."""
        ...

    def unwrap(self, wrapped: bytes, place: KeyPlace) -> bytes:
        """Raises `MasterKeyInvalid` where it was wrapped under another master key or for another
        place, `KeyServiceUnavailable`.
        """
        ...
