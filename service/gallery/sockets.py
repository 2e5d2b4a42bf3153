"""Whether something came in, asked without waiting."""

from __future__ import annotations

import select
import sys

if sys.platform == "win32":

    def has_something_to_read(socket: int) -> bool:
        """Bytes, or the end of them. `socket`: its number."""
        return bool(select.select([socket], [], [], 0)[0])

else:

    def has_something_to_read(socket: int) -> bool:
        """Bytes, or the end of them. `socket`: its number. Not `select`, which ends at 1,023."""
        waiting = select.poll()
        waiting.register(socket, select.POLLIN)
        return bool(waiting.poll(0))
