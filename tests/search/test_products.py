"""Products of bytes are exact, also at the ends of their ranges."""

from __future__ import annotations

import numpy as np
import pytest

from service.domain.face import EMBEDDING_SIZE
from service.search.eight_bits import MIDDLE, MOST_OF_A_PROBE, products


@pytest.mark.parametrize("row", [0, 1, MIDDLE, 255])
@pytest.mark.parametrize("probe", [-MOST_OF_A_PROBE, 1, MOST_OF_A_PROBE])
def test_no_sum_is_cut_off(row: int, probe: int) -> None:
    rows = np.full((3, EMBEDDING_SIZE), row, np.uint8)
    probes = np.full((EMBEDDING_SIZE, 2), probe, np.int8)
    assert (products()(rows, probes) == EMBEDDING_SIZE * (row - MIDDLE) * probe).all()


@pytest.mark.parametrize(("number", "asked"), [(1, 1), (7, 64), (1_024, 257)])
def test_products_are_those_of_whole_numbers(number: int, asked: int) -> None:
    random = np.random.default_rng(0)
    rows = random.integers(0, 256, (number, EMBEDDING_SIZE), np.uint8)
    probes = random.integers(-MOST_OF_A_PROBE, MOST_OF_A_PROBE, (EMBEDDING_SIZE, asked), np.int8)
    wide = (rows.astype(np.int32) - MIDDLE) @ probes.astype(np.int32)
    assert np.array_equal(products()(rows, probes), wide)
