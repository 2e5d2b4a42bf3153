"""What 1 million, 100 million and 1 billion people need, reckoned from what one was measured to.

python scripts/sizing.py                      print the tables
python scripts/sizing.py --check FILE         status 1 where a file has others
python scripts/sizing.py --write FILE         put them between the markers

`MEASURED` is the one place of the figures; `scripts/measure_gallery.py` measures them anew.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.markers import put_between_markers
from service.domain.search_threshold import search_threshold
from service.domain.thresholds import BUFFALO_L, Profile
from service.search.two_bits import BYTES_PER_ROW

MARKERS = "sizes"

PEOPLE = (1_000_000, 100_000_000, 1_000_000_000)
MILLION = 1_000_000
HOUR = 3600.0


@dataclass(frozen=True)
class Measured:
    """Bytes are per person with one template, in PostgreSQL 18; times are of one core."""

    subject_bytes: int
    template_heap_bytes: int
    template_sealed_bytes: int
    template_index_bytes: int
    audit_record_bytes: int
    extras_bytes: int
    enrollment_wal_bytes: int
    verification_wal_bytes: int
    scan_microseconds: float
    state_search_nanoseconds: float
    state_encoding_microseconds: float
    photographs_a_second: float

    @property
    def database_bytes(self) -> int:
        """One person, with the record of their enrollment in the audit log."""
        return (
            self.subject_bytes
            + self.template_heap_bytes
            + self.template_sealed_bytes
            + self.template_index_bytes
            + self.audit_record_bytes
        )


MEASURED = Measured(
    subject_bytes=247,
    template_heap_bytes=1366,
    template_sealed_bytes=2779,
    template_index_bytes=264,
    audit_record_bytes=383,
    extras_bytes=1234,
    enrollment_wal_bytes=5770,
    verification_wal_bytes=1444,
    scan_microseconds=0.775,
    state_search_nanoseconds=25.0,
    state_encoding_microseconds=40.7,
    photographs_a_second=25.1,
)
"""Measured by `scripts/measure_gallery.py` with 20,000 people (ids of 36 characters, no metadata)
and with 5,000 people for `extras_bytes`, 4,000 for `template_index_bytes`; photographs with the pack `mobile_s`. Times are those of the
processor, while others were at work on the same machine."""

NODE_GIGABYTES = 192
"""Of memory that a database server gives to its tables: one of 256 GB."""

PUBLISHED_AT = 0.4078
"""The cosine that `buffalo_l`'s published false match rate belongs to: see `domain/thresholds.py`."""

STRANGERS_WANTED = 0.01
"""A search in which one of a hundred probes names a stranger."""


def tables(measured: Measured = MEASURED) -> str:
    return "\n\n".join([_one_person(measured), _resources(measured), _strangers()])


def _one_person(one: Measured) -> str:
    rows = [
        ("subject, with its indexes", f"{one.subject_bytes:,} bytes"),
        ("template: row with search vector", f"{one.template_heap_bytes:,} bytes"),
        ("template: sealed vector, beside the row (TOAST)", f"{one.template_sealed_bytes:,} bytes"),
        ("template: indexes", f"{one.template_index_bytes:,} bytes"),
        ("audit record, with its indexes", f"{one.audit_record_bytes:,} bytes"),
        ("**together, in the database**", f"**{one.database_bytes:,} bytes**"),
        (
            "more, with 220 bytes of metadata, consent and `Idempotency-Key`",
            f"{one.extras_bytes:,} bytes",
        ),
        ("in memory of each process (`FACE_SEARCH_MEMORY`)", f"{BYTES_PER_ROW} bytes"),
        ("write-ahead log of an enrollment", f"{one.enrollment_wal_bytes:,} bytes"),
        (
            "write-ahead log of a verification (its audit record)",
            f"{one.verification_wal_bytes:,} bytes",
        ),
        ("exact scan, one core", f"{one.scan_microseconds:.2f} µs a row"),
        ("search in memory, one core", f"{one.state_search_nanoseconds:.0f} ns a row"),
        ("making the state in memory, one core", f"{one.state_encoding_microseconds:.0f} µs a row"),
        (
            "photograph to embedding, one core, pack `mobile_s`",
            f"{one.photographs_a_second:.0f} a second",
        ),
    ]
    return _table(("one person, or one call", "measured"), rows)


def _resources(one: Measured) -> str:
    def row(name: str, value: Callable[[int], str]) -> tuple[str, ...]:
        return (name, *map(value, PEOPLE))

    rows = [
        row("database, on disk", lambda n: _bytes(n * one.database_bytes)),
        row(
            "of it read by an exact scan: memory for the tables' search rows",
            lambda n: _bytes(n * one.template_heap_bytes),
        ),
        row(
            f"database servers that have it in memory ({NODE_GIGABYTES} GB each)",
            lambda n: f"{_nodes(n * one.template_heap_bytes):,}",
        ),
        row("search state, **in each process**", lambda n: _bytes(n * BYTES_PER_ROW)),
        row("search in memory, 1 core", lambda n: _time(n * one.state_search_nanoseconds / 1e9)),
        row(
            "search in memory, 16 cores",
            lambda n: _time(n * one.state_search_nanoseconds / 1e9 / 16),
        ),
        row("exact scan, 1 core", lambda n: _time(n * one.scan_microseconds / 1e6)),
        row(
            "exact scan, 16 cores on each of those servers",
            lambda n: _time(
                n * one.scan_microseconds / 1e6 / 16 / _nodes(n * one.template_heap_bytes)
            ),
        ),
        row(
            "making the state after a start, 16 cores",
            lambda n: _time(n * one.state_encoding_microseconds / 1e6 / 16),
        ),
        row("one photograph of each, 16 cores", lambda n: _time(n / one.photographs_a_second / 16)),
        row("write-ahead log of enrolling all", lambda n: _bytes(n * one.enrollment_wal_bytes)),
        row("audit log of one verification of each", lambda n: _bytes(n * one.audit_record_bytes)),
    ]
    return _table(("", *map(_people, PEOPLE)), rows)


def _strangers() -> str:
    """At the profiles of `buffalo_l`, the pack with a published error rate."""
    rows = [
        (f"`{profile.name}`, {profile.threshold:.2f}", *(_expected(profile, n) for n in PEOPLE))
        for profile in BUFFALO_L.profiles.values()
    ]
    needed = (f"{STRANGERS_WANTED / people:.0e}" for people in PEOPLE)
    rows.append((f"**false match rate for {STRANGERS_WANTED} strangers a search**", *needed))
    return _table(("strangers that one search names", *map(_people, PEOPLE)), rows)


def _expected(profile: Profile, people: int) -> str:
    """More below the cosine of the published rate, fewer above it."""
    expected = search_threshold(profile, (), people).expected_false_candidates
    if expected is None:
        return "more; no published rate"
    return f"{'at least' if profile.threshold < PUBLISHED_AT else 'fewer than'} {expected:,.0f}"


def _nodes(size: float) -> int:
    return math.ceil(size / (NODE_GIGABYTES * 1e9))


def _people(number: int) -> str:
    return f"{number // MILLION:,} M people"


def _bytes(size: float) -> str:
    """Two digits are what such a figure is worth."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{_two_digits(size / scale)} {unit}"
    return f"{size:.0f} bytes"


def _time(seconds: float) -> str:
    for unit, scale in (("days", 24 * HOUR), ("h", HOUR), ("min", 60.0), ("s", 1.0)):
        if seconds >= scale:
            return f"{_two_digits(seconds / scale)} {unit}"
    return f"{_two_digits(seconds * 1000)} ms"


def _two_digits(number: float) -> str:
    digits = max(0, 1 - math.floor(math.log10(number)))
    return f"{round(number, 1 - math.floor(math.log10(number))):,.{digits}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def outdated(file: Path) -> bool:
    text = file.read_text("utf-8")
    return text != put_between_markers(text, MARKERS, tables())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", type=Path)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    if options.write:
        text = options.write.read_text("utf-8")
        options.write.write_text(put_between_markers(text, MARKERS, tables()), "utf-8")
    if options.check:
        return int(outdated(options.check))
    if not options.write:
        print(tables())
    return 0


if __name__ == "__main__":
    sys.exit(main())
