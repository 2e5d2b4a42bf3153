"""Keyed hashes of the frames that liveness sessions looked at, kept for a day by the database's clock.

A hash is cut into one more band than two hashes of one frame may differ in bits, so that they have a band
in common: an index of bands finds every such pair (Manku and others, "Detecting near-duplicates for web crawling",
2007). Of 100,000 frames it leaves some hundreds to compare: 1 ms, where all of them take 30 to 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, delete, func, text
from sqlalchemy.dialects.postgresql import insert

from service.domain.collection import Collection
from service.domain.frame_hash import (
    FRAMES_KEPT,
    HASH_BITS,
    SAME_FRAME_BITS,
    upright_and_mirrored,
)
from service.storage.collections import LOCK, lock_number
from service.storage.tables import liveness_frames

# Not EXISTS: hoping for an early find, the planner would read the table from its beginning.
_SEEN_BEFORE = text("""
    SELECT count(*) > 0 FROM liveness_frames
    WHERE bands && CAST(:bands AS integer[])
        AND collection_id = :collection_id AND session_id <> :session_id AND seen_at > now() - :kept
        AND least(
            bit_count(hash # CAST(:upright AS bit(256))), bit_count(hash # CAST(:mirrored AS bit(256)))
        ) <= :bits
""").bindparams(kept=FRAMES_KEPT, bits=SAME_FRAME_BITS)

_BANDS = SAME_FRAME_BITS + 1
_BAND_BITS = HASH_BITS // _BANDS
_NUMBER_STARTS = 16


class LivenessFrames:
    """Those of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def seen_before(
        self, collection: Collection, session_id: UUID, hashes: Sequence[bytes]
    ) -> list[bool]:
        """Whether another session of the collection looked at the frame, or at its mirror image, within
        the last day; of each of `hashes` (64 bytes), in order.

        Until the end of the transaction no other one asks of this collection: else two sessions that are sent
        the same frames at once would not see each other's.
        """
        lock = lock_number(b"face-frames", collection.collection_id.bytes)
        self._connection.execute(LOCK, {"lock": lock})
        session = {"collection_id": collection.collection_id, "session_id": session_id}
        return [
            self._connection.execute(_SEEN_BEFORE, session | _asked(each)).scalar_one()
            for each in hashes
        ]

    def add(self, collection: Collection, session_id: UUID, hashes: Sequence[bytes]) -> None:
        """What this session has looked at already stays as it is."""
        session = {"collection_id": collection.collection_id, "session_id": session_id}
        rows = [session | _row(upright_and_mirrored(each)[0]) for each in hashes]
        if rows:
            self._connection.execute(insert(liveness_frames).values(rows).on_conflict_do_nothing())

    def forget(self) -> None:
        """Frames that were seen more than a day ago."""
        query = delete(liveness_frames).where(liveness_frames.c.seen_at <= func.now() - FRAMES_KEPT)
        self._connection.execute(query)


def _asked(frame_hash: bytes) -> dict[str, object]:
    upright, mirrored = upright_and_mirrored(frame_hash)
    return {
        "upright": _bits(upright),
        "mirrored": _bits(mirrored),
        "bands": bands(upright) + bands(mirrored),
    }


def _row(upright: bytes) -> dict[str, object]:
    return {"hash": _bits(upright), "bands": bands(upright), "seen_at": func.now()}


def bands(part: bytes) -> list[int]:
    """Of 32 bytes: each band's bits (15, of the last one 16) below its number."""
    rest = int.from_bytes(part, "big")
    cut = []
    for number in range(_BANDS - 1):
        cut.append(number << _NUMBER_STARTS | rest % (1 << _BAND_BITS))
        rest >>= _BAND_BITS
    return [*cut, (_BANDS - 1) << _NUMBER_STARTS | rest]


def _bits(part: bytes) -> str:
    return f"{int.from_bytes(part, 'big'):0{HASH_BITS}b}"
