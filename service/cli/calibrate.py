"""`face calibrate`: how well the served model tells the operator's own people apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.bulk.corpus import known_people
from service.cli.context import Json, LanguageOption, err, progress_bar
from service.cli.language import language_of
from service.cli.report import print_sections, require_new, write_report
from service.config import AppConfig
from service.texts import Language, text
from service.wiring import Wiring

if TYPE_CHECKING:
    from service.domain.error_rates import Rate
    from service.domain.performance import Rates, SizeRates
    from service.usecases.calibrate import CalibrationReport, NamedPair

Photos = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="One folder per person, or a CSV file with the columns subjectId, images and group.",
        exists=True,
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", help="Write a report with plots, one HTML file.", dir_okay=False),
]
Save = Annotated[
    bool, typer.Option("--save", help="Keep the result for exactly this model; see `face doctor`.")
]


def calibrate(
    photos: Photos,
    report: ReportFile = None,
    save: Save = False,
    json_: Json = False,
    lang: LanguageOption = None,
) -> None:
    """Measure the served model's error rates on photographs of known people, which are kept nowhere."""
    config = AppConfig()
    language = language_of(lang, config)
    _require_report(report, language)
    wiring = Wiring(config)
    people = known_people(photos)
    measure = wiring.calibrate
    with progress_bar(text(language, "calibration.working")) as show:
        found = measure(people, show)
    if json_:
        typer.echo(json.dumps(_facts(found)))
    else:
        _print(found, language)
    _keep(found, report, language, save=save, config=config)


def _require_report(path: Path | None, language: Language) -> None:
    """Before hours of work: that there is what draws, and a place for it. Raises `ExtraMissing`, `OSError`."""
    if path is None:
        return
    from service.cli.calibration_report import require_plots

    require_plots()
    require_new(path, language)


def _print(found: CalibrationReport, language: Language) -> None:
    from service.cli.calibration_tables import sections

    print_sections(sections(found, language))


def _keep(
    found: CalibrationReport,
    report: Path | None,
    language: Language,
    *,
    save: bool,
    config: AppConfig,
) -> None:
    from service.adapters import save_measurement

    if report is not None:
        from service.cli.calibration_report import content

        title = text(language, "calibration.title", model=found.measurement.model.name)
        write_report(report, title, content(found, language), language)
    if save:
        path = save_measurement(config, found.measurement)
        err.print(text(language, "calibration.saved", path=path))
    else:
        err.print(text(language, "calibration.not_saved"))


def _facts(found: CalibrationReport) -> Mapping[str, Any]:
    measured = found.measurement
    return {
        "model": measured.model.model_id,
        "measuredAt": measured.measured_at.isoformat(),
        "people": measured.people,
        "photographs": measured.photographs,
        "medianNorm": measured.norm,
        "failureToAcquire": _rate(found.failure_to_acquire),
        "refused": [{"photograph": one.file, "reason": one.reason} for one in found.refused],
        "templates": [_size(one, found.groups) for one in found.sizes],
        "searches": [
            {
                "profile": one.profile,
                "people": one.people,
                "expected": one.expected,
                "most": one.most,
            }
            for one in found.searches
        ],
        "operatingPoints": [
            {"threshold": one.threshold, "falseMatchRateBound": one.false_match_rate}
            for one in measured.operating_points
        ],
        "worstMated": [_pair(one) for one in found.mated],
        "worstNonMated": [_pair(one) for one in found.non_mated],
    }


def _size(size: SizeRates, groups: Sequence[str]) -> Mapping[str, Any]:
    return {
        "size": size.size,
        "templates": size.templates,
        "profiles": {name: _rates(one) for name, one in size.profiles.items()},
        "wanted": [
            {
                "falseMatchRate": one.false_match_rate,
                "at": _rates(one.at),
                "assured": _rates(one.assured),
            }
            for one in size.wanted
        ],
        "groups": [
            {
                "group": None if one.group is None else groups[one.group],
                "people": one.people,
                "profiles": {name: _rates(rates) for name, rates in one.profiles.items()},
            }
            for one in size.groups
        ],
    }


def _rates(rates: Rates | None) -> Mapping[str, Any] | None:
    """None: there are not enough comparisons to tell."""
    if rates is None:
        return None
    return {
        "threshold": rates.threshold,
        "falseMatch": _rate(rates.false_match),
        "falseNonMatch": _rate(rates.false_non_match),
    }


def _rate(rate: Rate) -> Mapping[str, Any]:
    return {
        "errors": rate.errors,
        "trials": rate.trials,
        "rate": rate.value,
        "lower": rate.lower,
        "upper": rate.upper,
        "lowerByPeople": rate.lower_by_people,
        "upperByPeople": rate.upper_by_people,
    }


def _pair(pair: NamedPair) -> Mapping[str, Any]:
    return {"similarity": pair.similarity, "photographs": [pair.first, pair.second]}


def register(app: typer.Typer) -> None:
    app.command()(calibrate)
