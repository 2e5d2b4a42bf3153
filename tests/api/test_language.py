"""Which language an Accept-Language asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.auth import preferred
from service.texts import Language


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("en", "en"),
        ("EN-us", "en"),
        ("ko", "ko"),
        ("en, ko", "en"),
        ("ko, en", "ko"),
        ("en;q=0.2, ko;q=0.3", "ko"),
        ("ko;q=0, en;q=0.1", "en"),
        ("fr, en;q=0.8, ko;q=0.3", "en"),
        (" en ; q=0.9 , ko ; q=0.1", "en"),
        ("en;level=1", "en"),
    ],
)
def test_highest_weight_wins(accepted: str, chosen: Language) -> None:
    for default in ("ko", "en"):
        assert preferred(accepted, default) == chosen


@pytest.mark.parametrize("accepted", ["", "fr", "*", "en;q=0", "en;q=x", "english", ",;,"])
def test_default_where_neither_is_asked_for(accepted: str) -> None:
    assert preferred(accepted, "ko") == "ko"


@pytest.mark.parametrize("weight", ["nan", "inf", "2", "-1", "1_0", "1e9"])
def test_weight_that_is_none_does_not_count(weight: str) -> None:
    assert preferred(f"en;q={weight}, ko;q=0.1", "ko") == "ko"


def test_only_the_beginning_of_an_endless_list_is_read() -> None:
    assert preferred("fr, " * 20_000 + "en", "ko") == "ko"


@given(st.text(alphabet="enko-;q=.0123456789, *\tx"))
def test_anything_has_an_answer(accepted: str) -> None:
    assert preferred(accepted, "ko") in ("ko", "en")
