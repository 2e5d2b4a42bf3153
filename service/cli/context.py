"""What the commands share: options, the wiring on a database that was looked at, and how they print.

Answers go to stdout, everything else to stderr. Settings that are none are warned of.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from service.cli import lasting_objects
from service.cli.language import language_of, spoken
from service.cli.wrong_use import bounds_of_setting, sentence
from service.config import AppConfig, given_names, setting_names
from service.domain import identifiers
from service.domain.active_liveness import Judgment
from service.domain.errors import (
    DuplicateSubject,
    FaceError,
    InvalidRequest,
    LivenessFailed,
    LivenessRequired,
    SubjectMismatch,
    UnacceptableImages,
    UnusableSamples,
)
from service.domain.face import Faces
from service.domain.warnings import DecisionWarning
from service.texts import Language, advice_text, field_problem_text, message, text, warning_text
from service.usecases.key_rotation import Progress as Report
from service.wiring import Wiring

if TYPE_CHECKING:
    from service.api.models import Camel

logger = logging.getLogger(__name__)

YES, NO, WRONG_USE, NOT_DONE = 0, 1, 2, 3

_STATUSES: Mapping[type[FaceError], int] = {
    DuplicateSubject: NO,
    SubjectMismatch: NO,
    InvalidRequest: WRONG_USE,
    LivenessFailed: NO,
    LivenessRequired: WRONG_USE,
    UnacceptableImages: WRONG_USE,
}

_WIDE = 200
"""Characters a line may have where the output is no terminal, as in a log or a pipe."""

err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def print_in_any_language() -> None:
    """Where the encoding of stdout lacks Korean, as in a pipe on Windows, it becomes UTF-8."""
    if sys.stdout is None:  # closed before the start
        return
    try:
        text("ko", "value.yes").encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")


def print_json(answer: Camel) -> None:
    typer.echo(answer.model_dump_json(by_alias=True))


def print_embedding(numbers: Sequence[float]) -> None:
    """One JSON list on stdout: the numbers as the HTTP service writes them."""
    typer.echo(json.dumps(list(numbers)))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    width = None if sys.stdout is not None and sys.stdout.isatty() else _WIDE
    Console(highlight=False, markup=False, width=width).print(table)


def print_next_page(cursor: object, language: Language) -> None:
    """Where a list goes on; nothing where it ends here."""
    if cursor:
        typer.echo(f"{text(language, 'label.next')}: --cursor {cursor}")


def print_warnings(warnings: Iterable[DecisionWarning], language: Language) -> None:
    """On stderr: the answer is the same with and without them."""
    for one in warnings:
        err.print(f"{warning_text(language, one)} [{one.code}]")


def percent(share: float) -> str:
    """Three digits, however small.

    >>> [percent(each) for each in (0.0, 0.00826, 1.0, 0.0000384)]
    ['0 %', '0.826 %', '100 %', '0.00384 %']
    """
    digits = f"{share * 100:.3g}"
    return f"{digits if 'e' not in digits else f'{share * 100:.8f}'.rstrip('0')} %"


def shown_moment(moment: datetime | None) -> str:
    """`2026-01-31 09:00:00 UTC`; `-` where there is none."""
    return "-" if moment is None else f"{moment:%F %T %Z}"


def labels(language: Language, names: Iterable[str]) -> list[str]:
    """The heads of columns, or what stands before values."""
    return [text(language, f"label.{name}") for name in names]


def explain(error: FaceError, language: Language) -> int:
    """Prints what went wrong and what to do; answers with the exit status."""
    words = message(language, error)
    err.print(f"{words.title} {words.detail} [{error.code}]")
    for line in (*causes_of(error, language), *particulars_of(error, language)):
        err.print(f"  {line}")
    return status_of(type(error))


def status_of(kind: type[FaceError]) -> int:
    """The exit status of a command that ends in it: that of the nearest ancestor in the table."""
    return next((_STATUSES[one] for one in kind.__mro__ if one in _STATUSES), NOT_DONE)


def causes_of(error: FaceError, language: Language) -> list[str]:
    """What stood in the way, for the operator; empty where the message says it all."""
    if error.diagnosis is None:
        return []
    return [text(language, f"cause.{error.diagnosis.cause}", **error.diagnosis.values)]


def explain_settings(error: Exception, language: Language) -> int:
    """Names the settings that are wrong, without their values, which may be secrets."""
    if isinstance(error, UnicodeDecodeError):
        err.print(".env: must be UTF-8")
    elif not isinstance(error, ValidationError):
        err.print(str(error))
    else:
        _explain_fields(error, language)
    return WRONG_USE


def explain_system(error: OSError) -> int:
    """What the operating system refused, and where."""
    words = [str(part) for part in (error.filename, error.strerror) if part]
    err.print(": ".join(words) or str(error))
    return NOT_DONE


def _explain_fields(error: ValidationError, language: Language) -> None:
    for each in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in each["loc"]).upper()
        err.print(f"FACE_{name}: {sentence(each['msg'], language, bounds_of_setting(each['loc']))}")


def particulars_of(error: FaceError, language: Language) -> list[str]:
    if isinstance(error, UnusableSamples | UnacceptableImages):
        return [
            f"{index + 1}: {sample.reason} - {text(language, f'advice.{sample.reason}')}"
            for index, sample in enumerate(error.samples)
            if sample.reason is not None
        ]
    if isinstance(error, DuplicateSubject):
        return [f"{one.subject_id}  {one.similarity:.4f}" for one in error.candidates]
    if isinstance(error, LivenessFailed) and error.judgment is not None:
        return doubts_of(error.judgment, language)
    return [f"{each['field']}: {field_problem_text(language, each)}" for each in error.particulars]


def doubts_of(judgment: Judgment, language: Language) -> list[str]:
    """Why a liveness session is not live, for the person."""
    return [advice_text(language, doubt) for doubt in judgment.doubts]


@contextmanager
def progress_bar(title: str) -> Iterator[Report]:
    """With rate and time left, on stderr where that is a terminal, nowhere else. What is yielded is
    told how many rows are done, and of how many.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda moved, total: bar.update(task, completed=moved, total=total)


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


NEW_KEY_FILE_VARIABLE = "FACE_NEW_MASTER_KEY_FILE"
NEW_KMS_VARIABLE = "FACE_NEW_MASTER_KEY_KMS"
"""Options of `face keys rewrap` that the environment may give; all others there are settings."""

_KNOWN_BESIDE = frozenset((NEW_KEY_FILE_VARIABLE, NEW_KMS_VARIABLE))

_OF_TESTS = "FACE_TEST_"
"""What the project's own tests are told by the environment is nobody's misspelt setting."""


class Lang(StrEnum):
    KO = "ko"
    EN = "en"


def matching(pattern: str) -> Callable[[str | None], str | None]:
    """A check: the whole value is as `pattern`, one of `identifiers.ALLOWED`, says; otherwise it is wrong
    use, status 2.
    """
    most, signs = identifiers.ALLOWED[pattern]
    signs = " ".join(f".{signs}")

    def check(value: str | None) -> str | None:
        if value is not None and not re.fullmatch(pattern, value):
            raise typer.BadParameter(text(spoken(), "notice.name_form", most=most, signs=signs))
        return value

    return check


SubjectId = Annotated[
    str, typer.Argument(metavar="SUBJECT", callback=matching(identifiers.SUBJECT_ID))
]
Collection = Annotated[str, typer.Option("--collection", callback=matching(identifiers.COLLECTION))]
Profile = Annotated[
    str | None,
    typer.Option("--profile", callback=matching(identifiers.PROFILE), show_default=False),
]
FacesOption = Annotated[
    Faces | None,
    typer.Option(
        "--faces",
        help="Which photographs have a face that counts. Default: as the collection or the service is set.",
        show_default=False,
    ),
]
LanguageOption = Annotated[
    Lang | None,
    typer.Option("--lang", help="Language of what is printed.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the HTTP service answers.")]


def ready(lang: str | None, *, one_call: bool = False) -> tuple[Wiring, Language]:
    """The wiring on a database that was looked at, and the language to speak. `one_call`: the command makes
    no other.

    Raises `OperationFailed`, `Unavailable`.
    """
    config = AppConfig()
    wiring = Wiring(config, one_call=one_call)
    with lasting_objects():
        wiring.prepare()
    return wiring, language_of(lang, config)


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """`place`: `.env`, or empty for the environment. `nearest`: the setting that is spelt most
    like it; empty where none is.
    """

    place: str
    name: str
    nearest: str

    def sentence(self, language: Language) -> str:
        key = "notice.nearest_setting" if self.nearest else "notice.unknown_setting"
        place = self.place or text(language, "value.environment")
        return text(language, key, place=place, name=self.name, nearest=self.nearest)


def unknown_settings() -> list[UnknownSetting]:
    """Raises `UnicodeDecodeError` where `.env` is not UTF-8."""
    known = setting_names() | _KNOWN_BESIDE
    return [
        UnknownSetting(place, name, _nearest(name.upper(), known))
        for place, name in given_names()
        if name.upper() not in known and not name.upper().startswith(_OF_TESTS)
    ]


def warn_of_unknown_settings() -> None:
    """On stderr, before a command does its work."""
    if unknown := unknown_settings():
        for one in unknown:
            err.print(one.sentence(spoken()))


def log_unknown_settings(config: AppConfig) -> None:
    """In the log, for `face server`."""
    for one in unknown_settings():
        logger.warning("%s", one.sentence(language_of(None, config)))


def _nearest(name: str, known: frozenset[str]) -> str:
    spelt = name if name.startswith("FACE_") else f"FACE_{name}"
    return next(iter(get_close_matches(spelt, known, 1)), "")
