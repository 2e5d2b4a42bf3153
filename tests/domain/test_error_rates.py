"""Error rates as ISO/IEC 19795 counts them."""

from __future__ import annotations

import numpy as np
import pytest

from service.domain.thresholds import Comparisons, photographs_compared


def test_a_mated_comparison_at_the_threshold_is_a_match() -> None:
    assert Comparisons([0.39, 0.40], [0.0]).false_non_match_rate(0.40) == 0.5


def test_another_persons_at_the_threshold_is_a_false_match() -> None:
    assert Comparisons([1.0], [0.39, 0.40, 0.41, 0.0]).false_match_rate(0.40) == 0.5


def test_every_photograph_is_compared_with_every_other() -> None:
    east, north = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    measured = photographs_compared({"a": [east, east, east], "b": [north, north]})
    assert measured.genuine == pytest.approx([1.0] * 4)
    assert measured.impostor == pytest.approx([0.0] * 6)
