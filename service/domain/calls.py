"""Which call is under way: its id, for whoever writes something down about it.

A context variable and not an argument: the id takes no part in any decision, and every layer
between the door and the log would have to hand it on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request being answered; None on the command line."""
    return _request_id.get()


@contextmanager
def answering(request_id: str) -> Iterator[None]:
    """Inside the block, in its threads and tasks, this request is under way."""
    before = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(before)
