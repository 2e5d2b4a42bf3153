"""What the HTTP room tells whoever counts, and how that is read."""

from __future__ import annotations

from typing import Protocol


class Telemetry(Protocol):
    @property
    def content_type(self) -> str:
        """Of `exposition`."""
        ...

    def answered(
        self, method: str, route: str, status: int | None, code: str | None, seconds: float
    ) -> None:
        """One call is over. `route`: a pattern, never a path. `status`: None where nobody was left
        to be answered. `code`: of the problem document, where the answer is one.
        """
        ...

    def connections(self, number: int) -> None:
        """So many are open now."""
        ...

    def connection_ended(self, why: str) -> None:
        """One was cut off before its other end had done its part. `why`: a `Why`."""
        ...

    def exposition(self) -> bytes:
        """All metrics, for Prometheus."""
        ...
