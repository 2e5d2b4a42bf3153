"""An enrollment by `onDuplicate=flag` keeps who looked like whom, until a person has decided.

The row decides whom a later duplicate check names, so it is bound to both people, to when either was
enrolled, and to the decision, under the key of the audit log.

    seal = HMAC(key, collection, flag, both people and their enrollments, similarity, decision)

The id of a decision's audit record follows from its number. So a row that was put back after a later
decision is told: the log has a record of the next number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from service.domain.chain import EPOCH, MICROSECOND, Keyed, encoded, moment
from service.domain.collection import Subject

_FLAG, _DECISION = b"face/v1/flagged-duplicate", b"face/v1/duplicate-decision"
_UUID_BYTES = 16

PLACE = "[0-9]{1,16}-[0-9a-f]{32}"
"""Until the year 2286, which is before a `datetime` ends."""


class DuplicateDecision(StrEnum):
    """What a person has found out about two who look alike. Part of the contract."""

    SAME_PERSON = "same_person"
    DIFFERENT_PEOPLE = "different_people"


class FlagStatus(StrEnum):
    """Part of the contract."""

    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Resolution:
    """`by`: the name of the caller's key. `number`: 1 for the first decision about the two."""

    decision: DuplicateDecision
    at: datetime
    by: str
    number: int


@dataclass(frozen=True, slots=True)
class FlagPlace:
    """Where in a list, newest first, one stands. As text, `PLACE`: microseconds since 1970 and the id."""

    flagged_at: datetime
    duplicate_id: UUID

    @classmethod
    def of(cls, text: str) -> FlagPlace:
        """`text`: as `PLACE` has it."""
        microseconds, _, duplicate_id = text.partition("-")
        flagged_at = EPOCH + int(microseconds) * MICROSECOND
        return cls(flagged_at, UUID(duplicate_id))

    def __str__(self) -> str:
        return f"{(self.flagged_at - EPOCH) // MICROSECOND}-{self.duplicate_id.hex}"


@dataclass(frozen=True, slots=True)
class FlaggedDuplicate:
    """`subject_id`: who was enrolled; `duplicate_of`: whom they looked like then, by a cosine of
    `similarity`. `resolution`: None until somebody has decided.
    """

    duplicate_id: UUID
    subject_id: str
    duplicate_of: str
    similarity: float
    flagged_at: datetime
    resolution: Resolution | None = None

    @property
    def pair(self) -> frozenset[str]:
        """Whoever of the two was enrolled first: a pair is flagged once."""
        return frozenset((self.subject_id, self.duplicate_of))

    @property
    def place(self) -> FlagPlace:
        return FlagPlace(self.flagged_at, self.duplicate_id)

    @property
    def decisions(self) -> int:
        """How many there were: each later one overrules those before."""
        return 0 if self.resolution is None else self.resolution.number

    @property
    def status(self) -> FlagStatus:
        return FlagStatus.OPEN if self.resolution is None else FlagStatus.RESOLVED

    @property
    def is_of_different_people(self) -> bool:
        resolution = self.resolution
        return resolution is not None and resolution.decision is DuplicateDecision.DIFFERENT_PEOPLE

    def about(self, subject_id: str, instead_of: str) -> FlaggedDuplicate:
        """The same, of somebody who has another id now."""
        ids = {instead_of: subject_id}
        first, second = (ids.get(each, each) for each in (self.subject_id, self.duplicate_of))
        return replace(self, subject_id=first, duplicate_of=second)

    def other_than(self, subject_id: str) -> str:
        """The other one of the two."""
        return self.duplicate_of if subject_id == self.subject_id else self.subject_id


def flag_seal(
    collection_id: UUID, flagged: FlaggedDuplicate, people: Mapping[str, Subject], keyed: Keyed
) -> bytes:
    """32 bytes. `people`: both, by id: whoever is enrolled anew under an id is somebody else."""
    resolution = flagged.resolution
    both = (flagged.subject_id, flagged.duplicate_of)
    return keyed(
        encoded(
            _FLAG,
            collection_id.bytes,
            flagged.duplicate_id.bytes,
            *(part for each in both for part in (each.encode(), moment(people[each].enrolled_at))),
            repr(flagged.similarity).encode(),
            moment(flagged.flagged_at),
            None if resolution is None else _encoded(resolution),
        )
    )


def _encoded(resolution: Resolution) -> bytes:
    decision, by, number = resolution.decision, resolution.by, resolution.number
    return encoded(decision.encode(), moment(resolution.at), by.encode(), str(number).encode())


def decision_record(flagged: FlaggedDuplicate, number: int, keyed: Keyed) -> UUID:
    """The id of the audit record of the `number`th decision about the two."""
    digest = keyed(encoded(_DECISION, flagged.duplicate_id.bytes, str(number).encode()))
    return UUID(bytes=digest[:_UUID_BYTES], version=4)
