"""What is known of a gallery outside its database, so that a search need not read every row.

Every template of a collection has a position: 1, 2, 3, … in the order in which rows were written.
A row that is written anew, as by a change of keys, gets a new position; none is ever given twice. So
whoever knows the rows up to a position knows what is missing: all that comes after it.

What binds a search vector to its place: a tag over the row's columns that a search goes by.

    tag = HMAC(key of the collection, space, template, position, search vector), 16 bytes

A row is compared, or held in memory, only once its tag was found right. The key comes from the audit
log's, and every column has a fixed length.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from service.domain.chain import Keyed, encoded

Positions: TypeAlias = NDArray[np.int64]
"""Shape (n,), ascending."""

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, 512): search vectors of one space, each of norm 1."""

BYTES_PER_HELD_ROW = 156
"""Of memory that a row takes where a server holds it: 148 of code and its factors, 8 of position."""


@dataclass(frozen=True, slots=True)
class WriteWatermark:
    """How far the writing of a collection's templates has come.

    `epoch`: positions of another epoch mean nothing here; a restored database begins one.
    `last_row_sequence`: that of the newest row; 0 before the first. `deleted_count`: positions that were given
    up so far, because the row was deleted or written anew.
    """

    collection_id: UUID
    epoch: UUID
    last_row_sequence: int
    deleted_count: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.last_row_sequence - self.deleted_count


@dataclass(frozen=True, slots=True)
class WrittenRows:
    """Rows of one search space (`search_space`)."""

    space_id: UUID
    positions: Positions
    vectors: Vectors = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The rows, of those up to a position, that a probe has to be compared with; all others are
    farther away than was asked for. Rows after `up_to` are unknown here.

    `compared`: how many rows were looked at. `deleted_count`: how many positions had been given up then.
    `newer`: about how many rows have been written since.
    """

    epoch: UUID
    up_to: int
    compared: int
    positions: Positions
    deleted_count: int
    newer: int = 0

    def knows_nothing_beyond(self, mark: WriteWatermark) -> bool:
        """Whether it was made from the rows that the database has, or had before it got more."""
        return self.epoch == mark.epoch and self.up_to <= mark.last_row_sequence


class SearchProblem(StrEnum):
    """Why some searches scan the database itself."""

    LOADING = "loading"
    OUT_OF_MEMORY = "out_of_memory"
    DAMAGED = "damaged"
    TAMPERED = "tampered"
    """Rows in the database are not as they were written: searches of that collection are refused."""


@dataclass(frozen=True, slots=True)
class SearchState:
    """`rows`: held, over all collections. `size`: bytes. `behind`: rows that were written and are
    not held yet; searches scan them in the database.
    """

    rows: int
    size: int
    behind: int
    problem: SearchProblem | None


class SearchIndex(Protocol):
    """Rows of large collections, in the memory of this process. Any number of threads may search;
    one at a time may change it.
    """

    def candidates(
        self, collection_id: UUID, probes: Mapping[UUID, Vectors], min_similarity: float
    ) -> Sequence[Shortlist | None] | None:
        """One shortlist a probe: every row with a cosine of `min_similarity`, and some more; None
        where so many come near it that a scan of the database is quicker.

        `probes`: as they are in each space. None where nothing is held.
        """
        ...

    def held(self, collection_id: UUID) -> WriteWatermark | None:
        """How far what is held reaches: as of which mark."""
        ...

    def collections(self) -> Several[UUID]: ...

    def has_room(self, collection_id: UUID, rows: int) -> bool:
        """Whether that many more may be held. Where not, the collection's problem is that."""
        ...

    def extend(self, mark: WriteWatermark, rows: Sequence[WrittenRows]) -> bool:
        """Hold these rows too: all that come after those held, up to `mark`. False where memory
        does not suffice; nothing is changed then.
        """
        ...

    def keep_only(self, mark: WriteWatermark, living: Positions) -> None:
        """Forget every other row. `living`: positions that exist, as of `mark` or later."""
        ...

    def some_of(self, collection_id: UUID, number: int) -> Positions:
        """Up to that many rows that are held, drawn at random."""
        ...

    def self_check(self, collection_id: UUID, rows: Sequence[WrittenRows]) -> bool:
        """Whether rows that are held are found by their own vectors. Where one is not, what is
        held of the collection is damaged: it is dropped, and said to be.
        """
        ...

    def drop(self, collection_id: UUID) -> None: ...

    def distrust(self, mark: WriteWatermark) -> None:
        """As of `mark` the rows in the database are not what was written: they are held no longer,
        and not searched either, until they change.
        """
        ...

    def distrusted(self, collection_id: UUID) -> WriteWatermark | None: ...

    def is_behind(self, collection_id: UUID, rows: int) -> None:
        """`rows`: written, and not held."""
        ...

    def state(self) -> SearchState: ...


_SEARCH_ROWS = b"face/v1/search-rows"

TAG_BYTES = 16
"""128 bits: nobody guesses one, and a million of them take 16 MB."""

HALVES = np.dtype(">f2")
"""As pgvector sends and takes the numbers of a `halfvec`."""

_MARK = b"face/v1/write-mark"

TagKey: TypeAlias = bytes


def tag_key(collection_id: UUID, keyed: Keyed) -> TagKey:
    return keyed(encoded(_SEARCH_ROWS, collection_id.bytes))


def tag_of(key: TagKey, content: bytes | memoryview) -> bytes:
    """`content`: as `tagged` makes it."""
    return hmac.digest(key, content, "sha256")[:TAG_BYTES]


def tagged(space_id: UUID, template_id: UUID, position: int, vector: NDArray[np.float32]) -> bytes:
    """The columns as they are sent when rows are read by the thousand (`storage/template_rows.py`)."""
    place = space_id.bytes + template_id.bytes + position.to_bytes(8, "big", signed=True)
    size = len(vector).to_bytes(2, "big") + bytes(2)
    return place + size + vector.astype(HALVES).tobytes()


def mark_seal(mark: WriteWatermark, keyed: Keyed) -> bytes:
    """Of how many rows a collection has, and up to which position: so that none is hidden."""
    numbers = (str(mark.last_row_sequence).encode(), str(mark.deleted_count).encode())
    return keyed(encoded(_MARK, mark.collection_id.bytes, mark.epoch.bytes, *numbers))
