"""Generated parts of pages are put between their markers, and nowhere else."""

from __future__ import annotations

import pytest

from scripts.markers import NoMarkers, put_between_markers

PAGE = "a\n<!-- x:start -->\nold\n<!-- x:end -->\nb"


def test_what_is_between_the_markers_is_replaced() -> None:
    assert put_between_markers(PAGE, "x", "new") == PAGE.replace("old", "new")


@pytest.mark.parametrize("page", ["a", "a\n<!-- x:start -->\n", "<!-- y:start --> <!-- y:end -->"])
def test_both_markers_of_that_name_are_needed(page: str) -> None:
    with pytest.raises(NoMarkers):
        put_between_markers(page, "x", "new")
