"""What a liveness session is opened for: it proves nothing for anything else."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """The call that the session's frame is compared in. Part of the contract.

    `SEARCH`: dedupe and identify.
    """

    VERIFY = "verify"
    ENROLL = "enroll"
    SEARCH = "search"
