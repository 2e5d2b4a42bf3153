"""`EnrolledServer` knows the photographed people, and counts its answers a second to many callers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from scripts.bench.http_load import Load, drive, multipart, once

OVERLOADED = 503

ENROLLMENTS_A_SECOND = 300
"""More than any round needs: each asks for a subject of its own, and none is sent twice."""


class CallFailed(Exception):
    """The server answered with something else than yes."""


@dataclass(frozen=True, slots=True)
class EnrolledServer:
    """`photographs`: encoded, by whom they show. Each is a subject of its own: who calls at the same time is
    somebody else, while calls about one subject wait for each other.
    """

    address: tuple[str, int]
    key: str
    photographs: Mapping[str, Sequence[bytes]]

    def enroll_everybody(self) -> None:
        """Raises `CallFailed`."""
        for subject, photograph in self._subjects():
            status, body = once(self.address, self._enrollment(subject, photograph))
            if status != 201:
                raise CallFailed(body.decode())

    def verified_a_second(self, callers: int, seconds: float) -> float:
        """Raises `CallFailed`."""
        return _rate(drive(self.address, self._verifications(), callers, seconds), 200)

    def enrolled_a_second(self, callers: int, seconds: float) -> float:
        """Raises `CallFailed`."""
        enough = callers + int(ENROLLMENTS_A_SECOND * seconds)
        return _rate(drive(self.address, self._enrollments(enough), callers, seconds), 201)

    def _verifications(self) -> list[bytes]:
        """Requests: each photograph against its subject."""
        return [
            multipart("/verify", self.key, {"subjectId": subject}, [photograph])
            for subject, photograph in self._subjects()
        ]

    def _subjects(self) -> Iterator[tuple[str, bytes]]:
        for person, photographs in self.photographs.items():
            for index, photograph in enumerate(photographs):
                yield f"{person}-{index}", photograph

    def _enrollments(self, number: int) -> list[bytes]:
        """Requests, each under a name of its own; that the faces are known is not asked about."""
        uploads = [one for photographs in self.photographs.values() for one in photographs]
        return [
            self._enrollment(uuid4().hex, uploads[index % len(uploads)]) for index in range(number)
        ]

    def _enrollment(self, subject: str, photograph: bytes) -> bytes:
        fields = {"subjectId": subject, "onDuplicate": "allow"}  # laxer than is: for `admin` alone
        return multipart("/enroll", self.key, fields, [photograph])


def _rate(load: Load, expected: int) -> float:
    """Calls done, a second; what an overloaded server refuses early is not done.

    Raises `CallFailed` for every other answer.
    """
    if other := set(load.statuses) - {expected, OVERLOADED}:
        raise CallFailed(f"statuses {sorted(other)} beside {expected}")
    return load.per_second
