"""The sentences of the pages, as their scripts hold them."""

from __future__ import annotations

import re
from typing import Literal

from service.api.pages import FILES

_LINE = re.compile(r'^  "?([\w.-]+)"?:\s*"(.*)",$', re.MULTILINE)
_KEY = re.compile(r'^  "?[\w.-]+"?:', re.MULTILINE)

Name = Literal["kiosk", "console"]


def sentences(page: Name, language: str) -> dict[str, str]:
    """By their keys."""
    table = (FILES / page / f"{language}.js").read_text("utf-8")
    found = _LINE.findall(table)
    assert len(found) == len(_KEY.findall(table)), "a sentence stands in another form"
    return {key: said.replace('\\"', '"') for key, said in found}
