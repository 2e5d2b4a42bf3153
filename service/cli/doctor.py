"""Look whether everything is in order, and name the cause of what is not."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import TypeAlias

import typer

from service.adapters import requested_providers
from service.api.settings import FEWEST, RESERVED, fitting
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
from service.domain.capacity import (
    Shortfall,
    descriptor_shortfall,
    mebibytes,
    memory_shortfall,
    process_shortfall,
)
from service.domain.errors import FaceError
from service.domain.expiry import require_agreement
from service.domain.thresholds import BALANCED
from service.engine.licenses import QUANTIZED, license_of
from service.machine import memory_limit, multiplies_bytes
from service.texts import Language, message, text
from service.usecases.capacity import CheckCapacity
from service.wiring import Wiring, version

Checks: TypeAlias = Mapping[str, Callable[[], str]]
"""What is looked at, by its name: each answers what it found."""

_OK, _WORTH_A_LOOK, _WRONG, _UNKNOWN = "ok", "!", "!!", "--"

_NEEDS = {
    "providers": ("model",),
    "liveness": ("model",),
    "clocks": ("database",),
    "memory": ("model", "database"),
}
"""What is looked at only where the other is in order: it would be tried, and would fail, once more."""


class _Wrong(Exception):
    """What is wrong, in words."""


class _Scarce(Exception):
    """What works, and is worth a look, in words."""


def doctor(lang: LanguageOption = None) -> None:
    """Look at settings, model, device, keys and database. Status 3: something is wrong."""
    config = AppConfig()
    wiring, language = Wiring(config), language_of(lang, config)
    wiring.capacity  # noqa: B018 - it looks at the time between this and what it is asked
    checks = {**_checks(wiring, language), **_checks_of_what_is_set(wiring, language)}
    results = _results(checks, language)
    print_table(("", "", ""), results)
    if any(mark == _WRONG for _, mark, _ in results):
        raise typer.Exit(NOT_DONE)


def _checks(wiring: Wiring, language: Language) -> Checks:
    return {
        "service": lambda: f"{version()}, Python {platform.python_version()}",
        "settings": lambda: _settings(language),
        "runtimes": _runtimes,
        "model": lambda: wiring.engine.model.model_id,
        "license": lambda: _license(wiring.config.model_name, language),
        "calibration": lambda: _calibration(wiring, language),
        "providers": lambda: _providers(wiring),
        "liveness": lambda: _liveness(wiring, language),
        "database": lambda: _database(wiring, language),
        "clocks": lambda: _clocks(wiring, language),
        "master key": lambda: _vault(wiring, language),
        "cores": lambda: _cores(wiring.capacity, language),
        "memory": lambda: _memory(wiring.capacity, language),
        "open files": lambda: _open_files(wiring.config, language),
    }


def _checks_of_what_is_set(wiring: Wiring, language: Language) -> Checks:
    """Of what a service need not have."""
    config = wiring.config
    checks: dict[str, tuple[object, Callable[[], str]]] = {
        "tls": (config.ssl_certfile or config.ssl_keyfile, lambda: _tls(config)),
        "8 bits": (config.model_name.endswith(QUANTIZED), lambda: _eight_bits(language)),
        "image roots": (config.image_roots, lambda: _image_roots(config, language)),
        "next model": (config.next_model_name, lambda: _next_model(wiring)),
        "redis": (config.rate_limit_storage, lambda: _redis(wiring, language)),
    }
    return {name: check for name, (is_set, check) in checks.items() if is_set}


def _results(checks: Checks, language: Language) -> list[tuple[str, str, str]]:
    """Name, mark and what was found of each. What needs something that is wrong is not looked at."""
    results: list[tuple[str, str, str]] = []
    for name, check in checks.items():
        needs = _NEEDS.get(name, ())
        if wrong := [other for other, mark, _ in results if other in needs and mark == _WRONG]:
            results.append((name, _UNKNOWN, text(language, "check.after", first=wrong[0])))
            continue
        results.append((name, *_checked(check, language)))
    return results


def _checked(check: Callable[[], str], language: Language) -> tuple[str, str]:
    """Mark and words. Whatever a check raises is one line of the table, and the other checks go on."""
    try:
        return _OK, check()
    except _Scarce as error:
        return _WORTH_A_LOOK, str(error)
    except FaceError as error:
        return _WRONG, _cause(error, language)
    except (_Wrong, OSError) as error:
        return _WRONG, str(error)
    except Exception as error:
        return _WRONG, type(error).__name__


def _cause(error: FaceError, language: Language) -> str:
    words = message(language, error)
    return " ".join((words.title, *(causes_of(error, language) or [words.detail])))


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


def _eight_bits(language: Language) -> str:
    """Whether the processor is one for which a copy of 8 bits is made."""
    can = multiplies_bytes()
    if can is False:
        raise _Scarce(text(language, "check.bytes_not_multiplied"))
    return text(language, "check.bytes_multiplied" if can else "check.bytes_unknown")


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


def _next_model(wiring: Wiring) -> str:
    return wiring.models.next.model_id if wiring.models.next else "-"


def _database(wiring: Wiring, language: Language) -> str:
    """Which one it is, also where something is wrong with it."""
    told = _server(wiring, language)
    try:
        wiring.storage.require_suitable()
        wiring.storage.check()
        wiring.storage.require_citus_settings(search_memory=wiring.config.search_memory > 0)
    except FaceError as error:
        raise _Wrong(f"{_cause(error, language)} ({told})") from None
    return told


def _server(wiring: Wiring, language: Language) -> str:
    facts = wiring.storage.facts()
    address = f"{facts.role}@{facts.host}:{facts.port}/{facts.database}"
    tls = text(language, "check.tls" if facts.encrypted else "check.no_tls")
    revision = facts.revision or text(language, "check.no_revision")
    values = {"version": facts.version, "address": address, "tls": tls, "revision": revision}
    server = text(language, "check.server", **values)
    if wiring.config.database_url is not None:
        return server
    return text(language, "check.embedded", folder=wiring.config.data_dir, server=server)


def _tls(config: AppConfig) -> str:
    """Of the service's own port."""
    from service.cli.uvicorn_server import tls_options

    tls_options(config)
    return str(config.ssl_certfile)


def _image_roots(config: AppConfig, language: Language) -> str:
    for root in config.image_roots:
        if not root.is_dir():
            raise _Wrong(text(language, "check.no_folder", folder=root))
        if not os.access(root, os.R_OK | os.X_OK):
            raise _Wrong(text(language, "check.closed_folder", folder=root))
    return ", ".join(map(str, config.image_roots))


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


def _cores(capacity: CheckCapacity, language: Language) -> str:
    few = process_shortfall(capacity.processes, capacity.cores)
    _require(few or capacity.cpu_shortfall(), language)
    values = {"cores": capacity.cores, "processes": capacity.processes, "threads": capacity.threads}
    return text(language, "check.cores", **values)


def _memory(capacity: CheckCapacity, language: Language) -> str:
    """Of all that the machine has: the server may be running already, and have its part."""
    one, limit, processes = capacity.process_memory(), memory_limit(), capacity.processes
    _require(memory_shortfall(one, processes, limit), language)
    sizes = {
        "each": mebibytes(one.needed),
        "limit": mebibytes(limit),
        "loaded": mebibytes(one.loaded),
        "photographs": mebibytes(one.photographs),
        "search": mebibytes(one.search),
    }
    return text(language, "check.memory", processes=processes, **sizes)


def _open_files(config: AppConfig, language: Language) -> str:
    wanted = config.max_connections
    most = fitting(wanted)
    if most < FEWEST:
        raise _Wrong(text(language, "notice.too_few_descriptors", needed=FEWEST + RESERVED))
    _require(descriptor_shortfall(most, wanted, wanted + RESERVED), language)
    return text(language, "check.open_files", most=most)


def _require(shortfall: Shortfall | None, language: Language) -> None:
    """Raises `_Scarce` where there is one."""
    if shortfall is not None:
        raise _Scarce(text(language, f"shortage.{shortfall.code}", **shortfall.values))


def register(app: typer.Typer) -> None:
    app.command()(doctor)
