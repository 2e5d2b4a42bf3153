"""Every sentence that a person reads, in Korean and English: `ko.toml`, `en.toml` and their loader.

The rooms inside raise codes and values; whoever shows a thing looks up its sentence here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, TypeAlias, get_args

from service.domain.errors import FaceError, Lacking, NotAllowed, Shut, Unauthenticated
from service.domain.face import Reason
from service.domain.step_pose import Doubt
from service.domain.warnings import DecisionWarning

Language: TypeAlias = Literal["ko", "en"]


def text(language: Language, key: str, /, **values: object) -> str:
    """The sentence `key`, its fields filled in from `values`, which may be more than it has.

    >>> text("en", "label.subject")
    'subject'
    >>> text("en", "allowed.least", value=1)
    'It must be at least 1.'

    Raises `KeyError` where there is no such sentence, or a field is not among `values`.
    """
    return CATALOGUE[language][key].format_map(values)


@dataclass(frozen=True, slots=True)
class Message:
    """What went wrong, and what to do next."""

    title: str
    detail: str


def message(language: Language, error: FaceError) -> Message:
    """The title and detail of `error`, its values filled in."""
    key = f"error.{error.code}"
    detail = _exact_detail(language, error) or text(language, f"{key}.detail", **error.values)
    return Message(text(language, f"{key}.title"), detail)


def _exact_detail(language: Language, error: FaceError) -> str | None:
    """Where more is known than that a key is needed, or another one."""
    if isinstance(error, Unauthenticated) and error.shut:
        return keyless_call_text(language, error.shut)
    if isinstance(error, NotAllowed):
        for lacking in Lacking:
            if lacking in error.values:
                return text(language, f"lacking.{lacking}", **error.values)
    return None


def keyless_call_text(language: Language, shut: Shut) -> str:
    """Why a door that needs no key was shut, and what to do."""
    return text(language, f"keyless_call.{shut.cause}", what=shut.what)


def advice_text(language: Language, advice: Doubt | Reason) -> str:
    """What to do about it."""
    section = "advice" if isinstance(advice, Reason) else "liveness.doubt"
    return text(language, f"{section}.{advice}")


def field_problem_text(language: Language, particular: Mapping[str, Any]) -> str:
    """What is wrong with a field, and where `particular` has `allowed`, what would be right."""
    sentences = [text(language, f"field_problem.{particular['problem']}")]
    for name, value in particular.get("allowed", {}).items():
        sentences.append(text(language, f"allowed.{name}", value=value))
    return " ".join(sentences)


def warning_text(language: Language, warning: DecisionWarning) -> str:
    """Why a decision is worth less than it looks, and what to do about it."""
    numbers = {"expected": warning.expected_false_candidates, "most": warning.max_false_candidates}
    values = {name: _rounded(number) for name, number in numbers.items() if number is not None}
    return text(language, f"warning.{warning.code}", **values)


def _rounded(number: float) -> str:
    """Two digits, and all of those before the point."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _load(language: Language) -> Mapping[str, str]:
    file = files(__name__).joinpath(f"{language}.toml")
    return dict(_flattened(tomllib.loads(file.read_text("utf-8"))))


def _flattened(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The keys of TOML's tables joined by dots: `error.subject_locked.title`."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


CATALOGUE: Mapping[Language, Mapping[str, str]] = {
    language: _load(language) for language in get_args(Language)
}
"""Sentences by their dotted keys; read at the start, so that a broken installation fails there."""
