"""What binds a search vector to its place: a tag over the row's columns that a search goes by.

    tag = HMAC(key of the collection, data key, template, position, search vector), 16 bytes

A row is compared, or held in memory, only once its tag was found right. The key comes from the audit
log's, and every column has a fixed length.
"""

from __future__ import annotations

import hmac
from typing import TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from service.domain.chain import Keyed, encoded
from service.domain.search import WriteMark

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


def tagged(
    data_key_id: UUID, template_id: UUID, position: int, vector: NDArray[np.float32]
) -> bytes:
    """The columns as they are sent when rows are read by the thousand (`gallery/vectors.py`)."""
    place = data_key_id.bytes + template_id.bytes + position.to_bytes(8, "big", signed=True)
    size = len(vector).to_bytes(2, "big") + bytes(2)
    return place + size + vector.astype(HALVES).tobytes()


def mark_seal(mark: WriteMark, keyed: Keyed) -> bytes:
    """Of how many rows a collection has, and up to which position: so that none is hidden."""
    numbers = (str(mark.last_position).encode(), str(mark.deletions).encode())
    return keyed(encoded(_MARK, mark.collection_id.bytes, mark.epoch.bytes, *numbers))
