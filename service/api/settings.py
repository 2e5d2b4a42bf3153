"""What the HTTP room needs to know of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.api.connections import ConnectionLimits
from service.domain.decision import SimilarityDetail
from service.texts import Language


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`open_tokens`, `open_metrics`: already false where the server listens beyond this machine.
    `open_users`: whose programs they open for besides the service's own user, by name or number.
    `purge_interval`: seconds; 0: never.
    """

    language: Language
    open_tokens: bool
    max_frames: int
    max_images: int
    max_image_bytes: int
    max_images_per_request: int
    version: str
    purge_interval: int
    open_metrics: bool = False
    open_users: tuple[str, ...] = ()
    reply_similarity: SimilarityDetail = SimilarityDetail.ROUNDED
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)

    @property
    def max_body_bytes(self) -> int:
        """The largest request that can be right: all images in base64, and some room for the rest."""
        images = self.max_images_per_request * self.max_image_bytes
        return images * 4 // 3 + _ROOM_FOR_FIELDS


_ROOM_FOR_FIELDS = 256 * 1024
