"""What was wrong about a command's arguments or a setting, in the caller's language, and what is allowed.

Typer and pydantic say it in English only, and hand over the sentence: what each of them means is told here.
One that is not known here is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from enum import StrEnum

from annotated_types import Ge, Le

from service.config import AppConfig
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
    BEYOND_BOUNDS = "beyond_bounds"
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


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an option or a setting may be, inclusive; None where there is no such bound."""

    least: object = None
    most: object = None


_NO_BOUNDS = Bounds()


def bounds_of_setting(place: tuple[int | str, ...]) -> Bounds:
    """`place`: where pydantic found a wrong value; the bounds of what is inside a setting stay unknown."""
    name = place[0] if len(place) == 1 else ""
    if (field := AppConfig.model_fields.get(str(name))) is None:
        return _NO_BOUNDS
    least = next((one.ge for one in field.metadata if isinstance(one, Ge)), None)
    most = next((one.le for one in field.metadata if isinstance(one, Le)), None)
    return Bounds(least, most)


def sentence(english: str, language: Language, bounds: Bounds = _NO_BOUNDS) -> str:
    """Typer's sentence `english` in this language. It tells one bound; `bounds` are told both.

    >>> sentence("Invalid value for '--limit': Input should be greater than or equal to 1", "en")
    '--limit: It must be at least 1.'
    """
    invalid = _INVALID_VALUE.fullmatch(english)
    if invalid is None:
        return _translated(english, language, bounds)
    said = _translated(invalid["said"], language, bounds)
    return f"{invalid['name'].replace(chr(39), '')}: {said}" if invalid["name"] else said


def _translated(english: str, language: Language, bounds: Bounds) -> str:
    for meaning, pattern in _SENTENCES.items():
        if (found := re.fullmatch(pattern, english, re.DOTALL)) is not None:
            if meaning in (WrongUse.TOO_SMALL, WrongUse.TOO_LARGE) and None not in astuple(bounds):
                return text(language, f"wrong_use.{WrongUse.BEYOND_BOUNDS}", **asdict(bounds))
            values = {name: value or "" for name, value in found.groupdict().items()}
            values["choices"] = values.get("choices", "").replace(" or ", ", ")
            said = text(language, f"wrong_use.{meaning}", **values)
            nearest = values.get("nearest", "").replace("'", "")
            if not nearest:
                return said
            return f"{said} {text(language, 'allowed.nearest', value=nearest)}"
    return english
