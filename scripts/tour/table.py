"""The table that grows by one line per step."""

from __future__ import annotations

import textwrap
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

_NAME_WIDTH = 24
_OUTCOME_WIDTH = 78


class StepFailed(Exception):
    """`advice`: what the user can do about it."""

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem)
        self.advice = advice


class Row:
    outcome = ""


class Table:
    """Prints each step when it ends: mark, name, outcome, seconds."""

    @contextmanager
    def step(self, name: str) -> Iterator[Row]:
        """The block sets `outcome`. Whatever it raises is printed as the outcome and passed on."""
        row, began, mark = Row(), time.monotonic(), "ok"
        try:
            yield row
        except BaseException as error:
            mark, row.outcome = "FAIL", _in_one_line(error)
            raise
        finally:
            self._print(mark, name, row.outcome, time.monotonic() - began)

    def _print(self, mark: str, name: str, outcome: str, seconds: float) -> None:
        first, *more = textwrap.wrap(outcome, _OUTCOME_WIDTH, break_long_words=False) or [""]
        line = f"{mark:<4}  {padded(name, _NAME_WIDTH)}  {padded(first, _OUTCOME_WIDTH)}"
        print(f"{line}  {seconds:5.1f} s", flush=True)
        for rest in more:
            print(" " * (len(mark.ljust(4)) + _NAME_WIDTH + 4) + rest, flush=True)


def padded(text: str, width: int) -> str:
    """Spaces up to `width` columns of a terminal, where a Korean letter takes two."""
    return text + " " * (width - columns(text))


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _in_one_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[-1]
