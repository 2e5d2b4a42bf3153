"""What was wrong about a command's arguments or a setting, in the caller's language, and what is allowed.

Typer and pydantic say it in English only, and hand over the sentence: what each of them means is told here.
One that is not known here is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from service.texts import Language, text


class WrongUse(StrEnum):
    NO_COMMAND = "no_command"
    MISSING_COMMAND = "missing_command"
    MISSING = "missing"
    NO_OPTION = "no_option"
    WITHOUT_VALUE = "without_value"
    TOO_MANY = "too_many"
    NOT_A_CHOICE = "not_a_choice"
    NOT_AMONG = "not_among"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    NOT_INTEGER = "not_integer"
    NOT_NUMBER = "not_number"
    NOT_A_UUID = "not_a_uuid"
    NOT_THERE = "not_there"
    IS_FOLDER = "is_folder"
    IS_FILE = "is_file"
    UNREADABLE = "unreadable"


_SENTENCES: Mapping[WrongUse, str] = {
    WrongUse.NO_COMMAND: r"No such command '(?P<name>.*?)'\.(?: Did you mean (?P<nearest>.*)\?)?",
    WrongUse.MISSING_COMMAND: r"Missing command\.",
    WrongUse.MISSING: r"Missing \w+ '?(?P<name>.*?)'?\.(?P<_more>.*)",
    WrongUse.NO_OPTION: r"No such option: (?P<name>\S+)(?: \(Possible options: (?P<nearest>.*)\))?",
    WrongUse.WITHOUT_VALUE: r"Option '(?P<name>.*)' requires an argument\.",
    WrongUse.TOO_MANY: r"Got unexpected extra argument\(s\) \((?P<name>.*)\)",
    WrongUse.NOT_A_CHOICE: r"(?:Value error, )?'.*' is not one of (?P<choices>.*)\.",
    WrongUse.NOT_AMONG: r"Input should be (?P<choices>'.*)",
    WrongUse.TOO_SMALL: r"Input should be greater than or equal to (?P<least>\S+)",
    WrongUse.TOO_LARGE: r"Input should be less than or equal to (?P<most>\S+)",
    WrongUse.NOT_INTEGER: r"Input should be a valid integer\b.*",
    WrongUse.NOT_NUMBER: r"Input should be a valid number\b.*",
    WrongUse.NOT_A_UUID: r"Input should be a valid UUID\b.*",
    WrongUse.NOT_THERE: r"\w+ '(?P<path>.*)' does not exist\.",
    WrongUse.IS_FOLDER: r"\w+ '(?P<path>.*)' is a directory\.",
    WrongUse.IS_FILE: r"\w+ '(?P<path>.*)' is a file\.",
    WrongUse.UNREADABLE: r"\w+ '(?P<path>.*)' is not readable\.",
}
"""Typer's own and pydantic's, by what they say."""

_INVALID_VALUE = re.compile(r"Invalid value(?: for (?P<name>.*?))?: (?P<said>.*)", re.DOTALL)


def sentence(english: str, language: Language) -> str:
    """Typer's sentence `english` in this language.

    >>> sentence("Invalid value for '--limit': Input should be greater than or equal to 1", "en")
    '--limit: It must be at least 1.'
    """
    invalid = _INVALID_VALUE.fullmatch(english)
    if invalid is None:
        return _translated(english, language)
    said = _translated(invalid["said"], language)
    return f"{invalid['name'].replace(chr(39), '')}: {said}" if invalid["name"] else said


def _translated(english: str, language: Language) -> str:
    for meaning, pattern in _SENTENCES.items():
        if (found := re.fullmatch(pattern, english, re.DOTALL)) is not None:
            values = {name: value or "" for name, value in found.groupdict().items()}
            values["choices"] = values.get("choices", "").replace(" or ", ", ")
            said = text(language, f"wrong_use.{meaning}", **values)
            nearest = values.get("nearest", "").replace("'", "")
            if not nearest:
                return said
            return f"{said} {text(language, 'allowed.nearest', value=nearest)}"
    return english
