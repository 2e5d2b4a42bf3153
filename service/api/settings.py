"""The settings that HTTP needs, and how many connections there are descriptors for.

Without a descriptor left, a server can neither accept nor reach its database nor open a file. So the
limit is raised as far as the system lets us, and connections stay below what is left of it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from service.domain.decision import SimilarityDetail
from service.texts import Language

ACCEPTED_AT_ONCE = 128
"""Connections that are taken in one turn of the event loop; more wait in the system's queue."""

RESERVED = 600
"""Not for connections that stay: four turns of those just taken or just cut off, which asyncio
needs from the accepting to the closing, and 88 for the database, the model, the log and the rest.
"""

FEWEST = 64
"""Connections below which it makes no sense to serve."""

_ENDLESS = 1 << 62

ADDRESS_SHARE = 0.75
"""Of all connections that one address may have. Generous, since a reverse proxy is one address; but
so is a stranger."""

_ROOM_FOR_FIELDS = 256 * 1024
"""Bytes of a request beside its images."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`most`: connections of this process. `seconds`: for a handshake, for a head, between two
    pieces of a body, and for a reader who does not read.
    """

    most: int = 2048
    seconds: float = 20.0

    @property
    def of_one_address(self) -> int:
        return max(1, int(self.most * ADDRESS_SHARE))


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`open_tokens`, `open_metrics`: already false where the server listens beyond this machine.
    `open_users`: whose programs they open for besides the service's own user, by name or number.
    `purge_interval`: seconds; 0: never. `root_path`: the proxy's prefix, empty or beginning with `/`.
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
    pages: bool = False
    cors_origins: tuple[str, ...] = ()
    root_path: str = ""

    @property
    def max_body_bytes(self) -> int:
        """The largest request that can be right: all images in base64, and some room for the rest."""
        images = self.max_images_per_request * self.max_image_bytes
        return images * 4 // 3 + _ROOM_FOR_FIELDS


def fitting(most: int) -> int:
    """Of `most` connections, so many as there are descriptors for; the limit is raised for them."""
    return min(most, raise_limit(most) - RESERVED)


if sys.platform == "win32":

    def raise_limit(_most: int) -> int:
        """Windows has no such limit."""
        return _ENDLESS

else:
    import resource

    def raise_limit(most: int) -> int:
        """The descriptors that this process may have, and those that it starts: enough for `most`
        connections where the system's hard limit is not below that.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = most + RESERVED
        if _is_enough(soft, wanted):
            return _ENDLESS if soft == resource.RLIM_INFINITY else soft
        allowed = wanted if _is_enough(hard, wanted) else hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return allowed

    def _is_enough(limit: int, wanted: int) -> bool:
        return limit == resource.RLIM_INFINITY or limit >= wanted
