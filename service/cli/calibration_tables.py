"""What `face calibrate` found, as tables that a person reads: in the terminal and in the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from service.cli.context import percent
from service.cli.report import Row, Section, visible
from service.domain.comparisons import TEMPLATE_SIZES
from service.domain.error_rates import RULE_OF_THREE, Rate
from service.domain.performance import Rates, SizeRates, WantedRate
from service.texts import Language, text
from service.usecases.calibrate import GALLERIES, CalibrationReport, NamedPair

MOST_REFUSED_SHOWN = 50


def sections(report: CalibrationReport, language: Language) -> Iterator[Section]:
    """Those that have rows."""
    words = _Words(language)
    made = (
        _summary(report, words),
        _profiles(report, words),
        _wanted(report, words),
        _searches(report, words),
        _groups(report, words),
        _pairs(report.mated, text(language, "calibration.worst_mated"), words),
        _pairs(report.non_mated, text(language, "calibration.worst_non_mated"), words),
        _refused(report, words),
    )
    yield from (section for section in made if section.rows)


def number(of: float) -> str:
    """Whole from ten on, with two digits below.

    >>> [number(each) for each in (1060.7, 9.64, 0.0385, 0.0)]
    ['1,061', '9.6', '0.038', '0']
    """
    return f"{of:,.0f}" if of >= 10 else f"{of:.2g}"


def _short(file: str) -> str:
    """As people keep photographs: the person's folder and the file."""
    return visible("/".join(Path(file).parts[-2:]))


class _Words:
    def __init__(self, language: Language) -> None:
        self.language = language

    def rate(self, rate: Rate) -> str:
        """With its bounds, by comparisons and by people."""
        if rate.value is None:
            return text(self.language, "calibration.no_comparison")
        return text(
            self.language,
            "calibration.rate",
            rate=percent(rate.value),
            errors=rate.errors,
            trials=f"{rate.trials:,}",
            lower=percent(rate.lower),
            upper=percent(rate.upper),
            lower_by_people=percent(rate.lower_by_people),
            upper_by_people=percent(rate.upper_by_people),
        )

    def not_enough(self, wanted: float) -> str:
        needed = round(RULE_OF_THREE / wanted)
        return text(self.language, "calibration.not_enough", needed=f"{needed:,}")


def _summary(report: CalibrationReport, words: _Words) -> Section:
    language, measured = words.language, report.measurement
    trials = (
        text(
            language,
            "calibration.compared",
            size=one.size,
            templates=f"{one.templates:,}",
            mated=f"{one.counts.mated_trials:,}",
            non_mated=f"{one.counts.non_mated_trials:,}",
        )
        for one in report.sizes
    )
    missing = [size for size in TEMPLATE_SIZES if size not in measured.sizes]
    untold = (text(language, "calibration.too_few_each", size=size) for size in missing)
    rows = [
        (text(language, "label.model"), measured.model.model_id),
        (text(language, "calibration.measured_at"), measured.measured_at.isoformat("T", "seconds")),
        (text(language, "calibration.people"), f"{measured.people:,}"),
        (text(language, "calibration.used"), f"{measured.photographs:,}"),
        (text(language, "calibration.refused"), words.rate(report.failure_to_acquire)),
        *((f"- {reason}", f"{number:,}") for reason, number in report.refused_by_reason.items()),
        (text(language, "calibration.comparisons"), "\n".join([*trials, *untold])),
    ]
    return Section(
        text(language, "calibration.summary"), text(language, "calibration.bounds"), ("", ""), rows
    )


def _profiles(report: CalibrationReport, words: _Words) -> Section:
    language = words.language
    rows = [
        (name, *_at(one.profiles[name], one, words))
        for name in report.sizes[0].profiles
        for one in report.sizes
    ]
    return Section(
        text(language, "calibration.at_profiles"),
        "",
        (
            text(language, "calibration.profile"),
            text(language, "label.threshold"),
            text(language, "calibration.template_size"),
            "FMR",
            "FNMR",
        ),
        rows,
    )


def _at(rates: Rates, size: SizeRates, words: _Words) -> Row:
    return (
        f"{rates.threshold:.4g}",
        str(size.size),
        words.rate(rates.false_match),
        words.rate(rates.false_non_match),
    )


def _wanted(report: CalibrationReport, words: _Words) -> Section:
    language = words.language
    return Section(
        text(language, "calibration.at_wanted"),
        text(language, "calibration.assured_note"),
        (
            text(language, "calibration.wanted"),
            text(language, "calibration.template_size"),
            text(language, "label.threshold"),
            "FNMR",
            text(language, "calibration.assured"),
            text(language, "calibration.assured_fnmr"),
        ),
        [
            (percent(one.false_match_rate), str(size.size), *_found(one, size, words))
            for size in report.sizes
            for one in size.wanted
        ],
    )


def _found(wanted: WantedRate, size: SizeRates, words: _Words) -> Row:
    if size.counts.non_mated_trials * wanted.false_match_rate < RULE_OF_THREE:
        return (words.not_enough(wanted.false_match_rate), "", "", "")
    return (*_threshold(wanted.at, words), *_threshold(wanted.assured, words))


def _threshold(rates: Rates | None, words: _Words) -> Row:
    if rates is None:
        return ("-", "-")
    return (f"{rates.threshold:.4f}", words.rate(rates.false_non_match))


def _searches(report: CalibrationReport, words: _Words) -> Section:
    language = words.language
    by_profile: dict[str, list[str]] = {}
    for one in report.searches:
        cell = text(
            language,
            "calibration.strangers",
            expected=number(one.expected),
            most=number(one.most),
        )
        by_profile.setdefault(one.profile, []).append(cell)
    sizes = (text(language, "calibration.among", people=f"{people:,}") for people in GALLERIES)
    return Section(
        text(language, "calibration.searches"),
        text(language, "calibration.searches_note"),
        (text(language, "calibration.profile"), *sizes),
        [(name, *cells) for name, cells in by_profile.items()],
    )


def _groups(report: CalibrationReport, words: _Words) -> Section:
    language = words.language
    single = report.sizes[0]
    rows = [
        (
            report.groups[each.group]
            if each.group is not None
            else text(language, "calibration.mixed"),
            f"{each.people:,}",
            name,
            words.rate(rates.false_match),
            words.rate(rates.false_non_match),
        )
        for each in single.groups
        for name, rates in each.profiles.items()
    ]
    headings = (
        text(language, "calibration.group"),
        text(language, "calibration.people"),
        text(language, "calibration.profile"),
        "FMR",
        "FNMR",
    )
    return Section(
        text(language, "calibration.groups"),
        text(language, "calibration.groups_note"),
        headings,
        rows,
    )


def _pairs(pairs: Sequence[NamedPair], title: str, words: _Words) -> Section:
    rows = [(f"{pair.similarity:.4f}", _short(pair.first), _short(pair.second)) for pair in pairs]
    file = text(words.language, "calibration.photograph")
    return Section(title, "", (text(words.language, "label.similarity"), file, file), rows)


def _refused(report: CalibrationReport, words: _Words) -> Section:
    language = words.language
    shown = report.refused[:MOST_REFUSED_SHOWN]
    rows = [
        (_short(one.file), f"{one.reason}: {text(language, f'advice.{one.reason}')}")
        for one in shown
    ]
    return Section(
        text(language, "calibration.refused_files"),
        text(language, "calibration.refused_shown", shown=len(shown), of=len(report.refused)),
        (text(language, "calibration.photograph"), text(language, "calibration.reason")),
        rows,
    )
