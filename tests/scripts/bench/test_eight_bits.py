"""What the copy with 8 bits is held to."""

from __future__ import annotations

import pytest

from scripts.bench.eight_bits import TWICE, bar


@pytest.mark.parametrize("can", [False, None])
def test_only_a_processor_that_multiplies_bytes_is_held_to_a_bar(can: bool | None) -> None:
    assert bar(can) is None
    assert bar(True) == TWICE
