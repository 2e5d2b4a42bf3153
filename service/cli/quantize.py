"""`face quantize`: an 8-bit copy of an installed model pack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from service.cli.context import LanguageOption, Profile
from service.cli.output import err, labels, language_of, print_table
from service.config import AppConfig
from service.domain.source import DirectoryImages
from service.domain.thresholds import BALANCED
from service.texts import text
from service.usecases.quantize import QuantizationReport
from service.wiring import Wiring

MOST_PER_PERSON = 50

Photos = Annotated[
    Path,
    typer.Option(
        "--photos",
        metavar="DIR",
        help="One folder per person; they calibrate and measure, and are kept nowhere.",
        exists=True,
        file_okay=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def quantize(
    photos: Photos, profile: Profile = None, json_: Json = False, lang: LanguageOption = None
) -> None:
    """Copy the configured model pack with 8-bit weights, as NAME_int8, and print what that costs.

    The copy is another model: people enrolled under the original have to be enrolled again.
    """
    config = AppConfig()
    wiring = Wiring(config)
    chosen = wiring.calibration.profile(profile or BALANCED)
    report = wiring.quantize(_people(photos), chosen.threshold)
    facts = _facts(report)
    if json_:
        typer.echo(json.dumps(facts))
        return
    language = language_of(lang, config)
    print_table(
        ("", ""),
        [*zip(labels(language, facts), map(_shown, facts.values()), strict=True)],
    )
    err.print(text(language, "notice.another_model", name=report.name))


def _people(photos: Path) -> dict[str, DirectoryImages]:
    folders = sorted(folder for folder in photos.iterdir() if folder.is_dir())
    return {folder.name: DirectoryImages(str(folder), MOST_PER_PERSON) for folder in folders}


def _facts(report: QuantizationReport) -> dict[str, str | int | float]:
    at, before, after = report.threshold, report.before, report.after
    return {
        "model": report.model_id,
        "photographs": report.photographs,
        "size_ratio": report.size_ratio,
        "speed_ratio": report.speed_ratio,
        "agreement_min": report.agreement[0],
        "agreement_mean": report.agreement[1],
        "threshold": at,
        "fnmr_before": before.false_non_match_rate(at),
        "fnmr_after": after.false_non_match_rate(at),
        "fmr_before": before.false_match_rate(at),
        "fmr_after": after.false_match_rate(at),
    }


def _shown(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def register(app: typer.Typer) -> None:
    app.command()(quantize)
