"""The table of settings in the documentation is generated from the class."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import settings_ko
from scripts.environment import ROOT
from scripts.settings_table import END, START, NoMarkers, outdated, settings_table, with_table
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


def test_is_put_between_the_markers() -> None:
    assert with_table(f"a\n{START}\nold\n{END}\nb", "new") == f"a\n{START}\nnew\n{END}\nb"


def test_needs_both_markers() -> None:
    with pytest.raises(NoMarkers):
        with_table(f"a\n{START}\n", "new")


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_documentation_is_up_to_date(name: str) -> None:
    readme = ROOT / name
    if not readme.exists() or START not in readme.read_text("utf-8"):
        pytest.skip(f"{name} has no table of settings")
    assert outdated([readme]) == []
