"""Keyed hashes of the frames that liveness sessions looked at, kept for a day by the database's clock."""

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
from service.storage.tables import liveness_frames

_SEEN_BEFORE = text("""
    SELECT EXISTS (
        SELECT FROM liveness_frames AS frame
        WHERE frame.collection_id = :collection_id AND frame.session_id <> :session_id
            AND frame.seen_at > now() - :kept
            AND least(bit_count(frame.hash # asked.hash), bit_count(frame.hash # asked.mirrored)) <= :bits
    )
    FROM unnest(
        CAST(CAST(:hashes AS text[]) AS bit(256)[]), CAST(CAST(:mirrored AS text[]) AS bit(256)[])
    ) WITH ORDINALITY AS asked (hash, mirrored, place)
    ORDER BY asked.place
""").bindparams(kept=FRAMES_KEPT, bits=SAME_FRAME_BITS)
"""Looks through the day of the collection: about 30 ms a frame where it has 100,000 others."""


class LivenessFrames:
    """Those of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def seen_before(
        self, collection: Collection, session_id: UUID, hashes: Sequence[bytes]
    ) -> list[bool]:
        """Whether another session of the collection looked at the frame, or at its mirror image, within
        the last day; of each of `hashes` (64 bytes), in order.
        """
        pairs = [upright_and_mirrored(each) for each in hashes]
        asked = {
            "collection_id": collection.collection_id,
            "session_id": session_id,
            "hashes": [_bits(upright) for upright, _ in pairs],
            "mirrored": [_bits(mirror) for _, mirror in pairs],
        }
        return list(self._connection.scalars(_SEEN_BEFORE, asked))

    def add(self, collection: Collection, session_id: UUID, hashes: Sequence[bytes]) -> None:
        """What this session has looked at already stays as it is."""
        rows = [
            {
                "collection_id": collection.collection_id,
                "session_id": session_id,
                "hash": _bits(upright_and_mirrored(each)[0]),
                "seen_at": func.now(),
            }
            for each in hashes
        ]
        if rows:
            self._connection.execute(insert(liveness_frames).values(rows).on_conflict_do_nothing())

    def forget(self) -> None:
        """Frames that were seen more than a day ago."""
        query = delete(liveness_frames).where(liveness_frames.c.seen_at <= func.now() - FRAMES_KEPT)
        self._connection.execute(query)


def _bits(part: bytes) -> str:
    return f"{int.from_bytes(part, 'big'):0{HASH_BITS}b}"
