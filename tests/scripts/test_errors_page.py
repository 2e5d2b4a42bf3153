"""The reference of errors in the documentation is generated from the code."""

from __future__ import annotations

import re

from scripts.errors_page import NOT_OVER_HTTP, PAGE, current, reference
from service.api.problems import kinds_by_code
from service.domain.face import Reason


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == current()


def test_every_code_has_a_section() -> None:
    assert set(re.findall(r"^### (\w+)$", reference(), re.MULTILINE)) == set(kinds_by_code())


def test_what_is_not_told_over_http_are_errors_without_its_status() -> None:
    assert set(kinds_by_code()) > NOT_OVER_HTTP
    sections = dict(re.findall(r"^### (\w+)\n\n(.+)$", reference(), re.MULTILINE))
    assert {code for code, told in sections.items() if "HTTP" not in told} == NOT_OVER_HTTP


def test_every_reason_of_a_photograph_has_a_row() -> None:
    for reason in Reason:
        assert f"\n| `{reason}` | " in reference()


def test_status_of_a_command_is_told() -> None:
    sections = dict(re.findall(r"^### (\w+)\n\n(.+)$", reference(), re.MULTILINE))
    assert sections["duplicate_subject"] == "HTTP 409, exit status 1."
    assert sections["invalid_request"] == "HTTP 400, exit status 2."
    assert sections["backup_damaged"] == "Exit status 3."
