"""Eight bits where they fit."""

from __future__ import annotations

import pytest

from service.search.codes import Kind
from service.search.eight_bits import EIGHT_BITS
from service.search.kinds import for_many_probes
from service.search.two_bits import TWO_BITS

SETTING = 2048 * 1024 * 1024
"""`FACE_SEARCH_MEMORY` where nothing else is said."""


@pytest.mark.parametrize(
    ("rows", "kind"), [(0, EIGHT_BITS), (4_000_000, EIGHT_BITS), (5_000_000, TWO_BITS)]
)
def test_as_fine_as_memory_suffices_for(rows: int, kind: Kind) -> None:
    assert for_many_probes(rows, SETTING) is kind
