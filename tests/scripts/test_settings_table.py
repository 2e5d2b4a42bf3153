"""The table of settings in the documentation is generated from the class."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import settings_ko
from scripts.settings_table import outdated, settings_table
from service import AppConfig


def test_has_every_setting_with_its_environment_name() -> None:
    table = settings_table()
    for name in AppConfig.model_fields:
        assert f"| `{name}` | `FACE_{name.upper()}` |" in table


def test_korean_meanings_are_those_of_the_settings() -> None:
    assert list(settings_ko.MEANINGS) == list(AppConfig.model_fields)


@pytest.mark.parametrize("korean", [False, True])
def test_every_row_has_four_cells(korean: bool) -> None:
    for row in settings_table(korean=korean).splitlines():
        assert row.replace("\\|", "").count("|") == 5, row


def test_depends_on_no_machine() -> None:
    assert str(Path.home()) not in settings_table()


def test_the_pages_are_up_to_date() -> None:
    assert outdated() == []
