"""How many connections there are descriptors for.

Without one left, a server can neither accept nor reach its database nor open a file. So the limit
is raised as far as the system lets us, and connections stay below what is left of it.
"""

from __future__ import annotations

import sys

ACCEPTED_AT_ONCE = 128
"""Connections that are taken in one turn of the event loop; more wait in the system's queue."""

RESERVED = 600
"""Not for connections that stay: four turns of those just taken or just cut off, which asyncio
needs from the accepting to the closing, and 88 for the database, the model, the log and the rest.
"""

FEWEST = 64
"""Connections below which it makes no sense to serve."""

_ENDLESS = 1 << 62

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


def fitting(most: int) -> int:
    """Of `most` connections, so many as there are descriptors for; the limit is raised for them."""
    return min(most, raise_limit(most) - RESERVED)
