"""Generated parts of Markdown files stand between two comments, `<!-- NAME:start -->` and `<!-- NAME:end -->`."""

from __future__ import annotations


class NoMarkers(Exception):
    """The file has no place for the generated part."""


def put_between_markers(text: str, name: str, shown: str) -> str:
    """`text` with `shown` between the comments of `name`. Raises `NoMarkers`."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    before, opened, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise NoMarkers
    return f"{before}{start}\n{shown}\n{end}{after}"
