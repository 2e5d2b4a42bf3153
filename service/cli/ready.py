"""The local machine's gallery, ready for a command."""

from __future__ import annotations

from service.cli.output import language_of
from service.config import AppConfig
from service.domain.messages import Language
from service.wiring import Wiring


def ready(lang: str | None) -> tuple[Wiring, Language]:
    """Parts on a database that was looked at, and the language to speak.

    Raises `Misconfigured`, `Unavailable`.
    """
    config = AppConfig()
    wiring = Wiring(config)
    wiring.prepare()
    return wiring, language_of(lang, config)
