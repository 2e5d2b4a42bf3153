"""How often somebody may call."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.ports import RateLimit


@dataclass(frozen=True, slots=True)
class CallLimits:
    """One limit by key, two by the address that a call comes from.

    `failures` bounds the calls whose key is missing or wrong; an address that has used them up is
    not heard at all, so that a right guess is not told from a wrong one. It does not depend on the
    key: a stranger can shut out whoever calls from the same address.
    """

    per_key: RateLimit
    per_address: RateLimit
    failures: RateLimit

    def admit(self, address: str) -> None:
        """To be asked before a key is looked at. Raises `RateLimited`."""
        self.failures.check(address)
        self.per_address.count(address)

    def admit_key(self, name: str) -> None:
        """Raises `RateLimited`."""
        self.per_key.count(name)

    def note_failure(self, address: str) -> None:
        """No key, or a wrong one. Raises `RateLimited`."""
        self.failures.count(address)
