"""Why a door that is open to programs of this machine stays shut for a call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ShutCause(StrEnum):
    """Part of the contract: it stands in the answer's `errors`."""

    FORWARDED = "forwarded"
    FOREIGN_NAME = "foreign_name"
    OTHER_MACHINE = "other_machine"
    OTHER_USER = "other_user"
    UNKNOWN_USER = "unknown_user"


@dataclass(frozen=True, slots=True)
class Shut:
    """`what`: the header that names another place, or the user whose program it is."""

    cause: ShutCause
    what: str = ""
