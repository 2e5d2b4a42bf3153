"""`face liveness measure`: how often the passive liveness check errs on the operator's own pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.bulk.presentations import presentations
from service.cli.context import Json, LanguageOption, percent, progress_bar
from service.cli.language import language_of
from service.cli.report import (
    Row,
    Section,
    print_sections,
    require_new,
    table,
    visible,
    write_report,
)
from service.config import AppConfig
from service.domain.passive_liveness import ATTACK_BELOW
from service.texts import Language, text
from service.wiring import Wiring

if TYPE_CHECKING:
    from service.domain.error_rates import Rate
    from service.domain.presentation_attack import Answer, Group, Measured

app = typer.Typer(help="Liveness.", no_args_is_help=True, rich_markup_mode=None)

MOST_WRONG_SHOWN = 50

Pictures = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Holds bonafide/ and attack/SPECIES/: a picture, or a folder of frames, each presentation.",
        exists=True,
        file_okay=False,
    ),
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="Write a report, one HTML file.", dir_okay=False)
]


@app.callback()
def liveness() -> None:
    """Liveness."""


@app.command()
def measure(
    pictures: Pictures,
    report: ReportFile = None,
    json_: Json = False,
    lang: LanguageOption = None,
) -> None:
    """Measure how often the passive liveness check errs on pictures of people and of attacks."""
    config = AppConfig()
    language = language_of(lang, config)
    if report is not None:
        require_new(report, language)
    measured = _measured(pictures, config, language)
    if json_:
        typer.echo(json.dumps(_facts(measured)))
    else:
        print_sections(_sections(measured, language))
    if report is not None:
        content = "\n".join(map(table, _sections(measured, language)))
        write_report(report, text(language, "presentation.title"), content, language)


def _measured(pictures: Path, config: AppConfig, language: Language) -> Measured:
    run = Wiring(config).measure_liveness
    with progress_bar(text(language, "presentation.working")) as show:
        return run(presentations(pictures), show)


def _sections(measured: Measured, language: Language) -> Iterator[Section]:
    yield Section(
        text(language, "presentation.attacks"),
        text(language, "presentation.attacks_note"),
        _headings(language, "APCER", "APNRR"),
        [_row(group, language) for group in measured.attacks],
    )
    yield Section(
        text(language, "presentation.bona_fide"),
        text(language, "presentation.bona_fide_note"),
        _headings(language, "BPCER", "BPNRR"),
        [_row(measured.bona_fide, language)],
    )
    yield Section(
        text(language, "presentation.worst"),
        text(language, "presentation.no_certificate", below=ATTACK_BELOW),
        ("", "APCER"),
        [_worst(measured, language)],
    )
    if wrong := [answer for group in _groups(measured) for answer in group.wrong]:
        yield _wrong(wrong, language)


def _groups(measured: Measured) -> list[Group]:
    return [*measured.attacks, measured.bona_fide]


def _headings(language: Language, error: str, non_response: str) -> Row:
    kind, count, reasons = (
        text(language, "presentation.species"),
        text(language, "presentation.presentations"),
        text(language, "presentation.reasons"),
    )
    return (kind, count, error, non_response, reasons)


def _row(group: Group, language: Language) -> Row:
    return (
        _species(group) or text(language, "presentation.bona_fide"),
        str(len(group.answers)),
        _rate(group.error, language),
        _rate(group.non_response, language),
        ", ".join(f"{reason} {count}" for reason, count in group.reasons.items()),
    )


def _species(group: Group) -> str:
    """Empty of the bona fide ones."""
    return visible(group.species or "")


def _worst(measured: Measured, language: Language) -> Row:
    worst = measured.worst
    shown = ("-", _rate(None, language))
    if worst is not None:
        shown = (_species(worst), _rate(worst.error, language))
    if not measured.untold:
        return shown
    untold = ", ".join(map(_species, measured.untold))
    return (shown[0], f"{shown[1]}; {text(language, 'presentation.untold', species=untold)}")


def _rate(rate: Rate | None, language: Language) -> str:
    if rate is None:
        return text(language, "presentation.too_few")
    return text(
        language,
        "presentation.share",
        rate=percent(rate.value or 0.0),
        count=rate.errors,
        total=rate.trials,
        lower=percent(rate.lower),
        upper=percent(rate.upper),
    )


def _wrong(wrong: list[Answer], language: Language) -> Section:
    rows = [
        (visible(each.presentation.name), f"{each.score:.3f}")
        for each in sorted(wrong, key=lambda each: each.score)
    ]
    return Section(
        text(language, "presentation.wrong"),
        text(
            language,
            "presentation.wrong_note",
            shown=min(len(rows), MOST_WRONG_SHOWN),
            of=len(rows),
        ),
        (text(language, "presentation.picture"), text(language, "presentation.score")),
        rows[:MOST_WRONG_SHOWN],
    )


def _facts(measured: Measured) -> Mapping[str, Any]:
    worst = measured.worst
    return {
        "attackBelow": ATTACK_BELOW,
        "attacks": {each.species: _group(each, "apcer", "apnrr") for each in measured.attacks},
        "bonaFide": _group(measured.bona_fide, "bpcer", "bpnrr"),
        "worst": None if worst is None else worst.species,
        "untold": [group.species for group in measured.untold],
        "certificate": False,
    }


def _group(group: Group, error: str, non_response: str) -> Mapping[str, Any]:
    """None: of too few nothing is said."""
    return {
        "presentations": len(group.answers),
        error: _bounded(group.error),
        non_response: _bounded(group.non_response),
        "reasons": dict(group.reasons),
        "wrong": [each.presentation.name for each in group.wrong],
    }


def _bounded(rate: Rate | None) -> Mapping[str, float | None] | None:
    if rate is None:
        return None
    return {
        "errors": rate.errors,
        "trials": rate.trials,
        "rate": rate.value,
        "lower": rate.lower,
        "upper": rate.upper,
    }
