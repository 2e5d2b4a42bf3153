"""What a machine has too little of, as a line of the log."""

from __future__ import annotations

import logging

from service.domain.capacity import Shortfall
from service.texts import Language, text

logger = logging.getLogger(__name__)


def log_shortfall(shortfall: Shortfall, language: Language) -> None:
    """In the operator's language, since they have to mend it; its `code` stays the same."""
    sentence = text(language, f"shortage.{shortfall.code}", **shortfall.values)
    logger.warning("%s", sentence, extra={"code": str(shortfall.code)})
