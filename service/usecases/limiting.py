"""How often somebody may call."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from threading import Event

from service.domain.ports import RateLimit

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """One limit by key, two by the address that a call comes from.

    `failures` bounds the calls whose key is missing or wrong, and those only: a right key passes
    whatever others at the same address guess, as behind a proxy or in one office they may. A key's
    256 random bits are what keeps guesses out; that limit keeps them cheap, and quiet in the log.

    `by_address`: whether either of those two is on.
    """

    per_key: RateLimit
    per_address: RateLimit
    failures: RateLimit
    by_address: bool = False
    _warned: Event = field(default_factory=Event, repr=False)

    def admit(self, name: str, address: str) -> None:
        """One more call with a right key. Raises `RateLimited`."""
        self.per_address.count(address)
        self.per_key.count(name)

    def note_failure(self, address: str) -> None:
        """No key, or a wrong one. Raises `RateLimited`."""
        self.failures.count(address)

    def note_way(self, forwarding_header: str | None) -> None:
        """Behind a proxy all callers have one address, and the operator should know: once."""
        if forwarding_header is None or not self.by_address or self._warned.is_set():
            return
        self._warned.set()
        logger.warning(
            "calls come through a proxy (header %s) while limits by address are on: all its callers"
            " count as one address; set rate_limit_per_address and rate_limit_failures to off, or"
            " higher, and limit addresses in the proxy",
            forwarding_header,
        )
