"""Look whether everything is in order, and name the cause of what is not."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib import metadata

import typer

from service.adapters import requested_providers
from service.cli.context import (
    NOT_DONE,
    LanguageOption,
    causes_of,
    percent,
    print_table,
    unknown_settings,
)
from service.cli.language import language_of
from service.config import AppConfig
from service.domain.errors import FaceError
from service.domain.expiry import require_agreement
from service.domain.thresholds import BALANCED
from service.engine.licenses import license_of
from service.texts import Language, message, text
from service.wiring import Wiring, version


class _Wrong(Exception):
    """What is wrong, in words."""


def doctor(lang: LanguageOption = None) -> None:
    """Look at settings, model, device, keys and database. Status 3: something is wrong."""
    config = AppConfig()
    wiring, language = Wiring(config), language_of(lang, config)
    checks: dict[str, Callable[[], str]] = {
        "service": lambda: f"{version()}, Python {platform.python_version()}",
        "settings": lambda: _settings(language),
        "runtimes": _runtimes,
        "model": lambda: wiring.engine.model.model_id,
        "license": lambda: _license(config.model_name, language),
        "calibration": lambda: _calibration(wiring, language),
        "providers": lambda: _providers(wiring),
        "liveness": lambda: _liveness(wiring, language),
        "database": lambda: _database(wiring),
        "clocks": lambda: _clocks(wiring, language),
        "master key": lambda: _vault(wiring, language),
    }
    if config.next_model_name is not None:
        checks["next model"] = lambda: wiring.models.next.model_id if wiring.models.next else "-"
    if config.rate_limit_storage is not None:
        checks["redis"] = lambda: _redis(wiring, language)
    results = [(name, *_checked(check, language)) for name, check in checks.items()]
    print_table(("", "", ""), [(name, "ok" if ok else "!!", text) for name, ok, text in results])
    if not all(ok for _, ok, _ in results):
        raise typer.Exit(NOT_DONE)


def _checked(check: Callable[[], str], language: Language) -> tuple[bool, str]:
    """Whatever a check raises is one line of the table, and the other checks go on."""
    try:
        return True, check()
    except FaceError as error:
        words = message(language, error)
        return False, " ".join((words.title, *(causes_of(error, language) or [words.detail])))
    except (_Wrong, OSError) as error:
        return False, str(error)
    except Exception as error:
        return False, type(error).__name__


def _settings(language: Language) -> str:
    if unknown := unknown_settings():
        raise _Wrong(" ".join(one.sentence(language) for one in unknown))
    return text(language, "check.none_unknown")


def _runtimes() -> str:
    from service.engine.providers import installed_runtimes, require_one_runtime

    runtimes = installed_runtimes()
    require_one_runtime(runtimes)
    return ", ".join(f"{name} {metadata.version(name)}" for name in runtimes)


def _license(model_name: str, language: Language) -> str:
    license_ = license_of(model_name)
    return f"{license_.spdx}: {text(language, f'license.{license_}')}"


def _calibration(wiring: Wiring, language: Language) -> str:
    """What is known of the default profile's error, and from where."""
    calibration = wiring.calibration
    profile = calibration.profile(BALANCED)
    source = text(language, f"source.{profile.source.origin}", **profile.source.values)
    if profile.false_match_rate is None:
        return text(language, "check.uncalibrated", source=source)
    return text(
        language,
        "check.calibrated",
        source=source,
        profile=profile.name,
        threshold=f"{profile.threshold:.4g}",
        fmr=_told(profile.false_match_rate, profile.false_match_rate_bound),
        fnmr=_told(profile.false_non_match_rate, profile.false_non_match_rate_bound),
    )


def _told(rate: float | None, bound: float | None) -> str:
    if rate is None:
        return "-"
    return percent(rate) if bound is None else f"{percent(rate)} (< {percent(bound)})"


def _providers(wiring: Wiring) -> str:
    requested = ", ".join(requested_providers(wiring.config))
    return f"{requested} -> {', '.join(wiring.engine.providers)}"


def _liveness(wiring: Wiring, language: Language) -> str:
    models = wiring.liveness_models
    if not wiring.engine.sees_landmarks:
        return text(language, "check.no_landmarks", model=wiring.config.model_name)
    if models is None:
        return text(language, "check.no_liveness_models")
    from service.engine.minifasnet import LICENSE

    return f"{', '.join(models.names)}, {LICENSE}"


def _database(wiring: Wiring) -> str:
    wiring.storage.require_suitable()
    wiring.storage.check()
    wiring.storage.require_citus_settings(search_memory=wiring.config.search_memory > 0)
    facts = wiring.storage.facts()
    address = f"{facts.role}@{facts.host}:{facts.port}/{facts.database}"
    kind = "" if wiring.config.database_url else f"embedded in {wiring.config.data_dir}, "
    tls = "TLS" if facts.encrypted else "no TLS"
    return f"{kind}PostgreSQL {facts.version}, {address}, {tls}, revision {facts.revision}"


def _clocks(wiring: Wiring, language: Language) -> str:
    difference = wiring.storage.clock_difference()
    require_agreement(difference)
    return text(language, "check.clocks_apart", seconds=abs(difference.total_seconds()))


def _redis(wiring: Wiring, language: Language) -> str:
    if not wiring.counters.check():
        raise _Wrong(text(language, "check.counters_silent"))
    return text(language, "check.counters_answer")


def _vault(wiring: Wiring, language: Language) -> str:
    wiring.prepare()
    return text(language, "check.opens_stored_keys")


def register(app: typer.Typer) -> None:
    app.command()(doctor)
