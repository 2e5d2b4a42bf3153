"""What an answer says of itself where its decision is worth less than it looks. No error: the call went well."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WarningCode(StrEnum):
    """Part of the contract."""

    UNCALIBRATED_MODEL = "uncalibrated_model"
    """No error rate was measured for this model and profile."""

    SEARCH_NAMES_STRANGERS = "search_names_strangers"


@dataclass(frozen=True, slots=True)
class DecisionWarning:
    """`expected_false_candidates`, `max_false_candidates`: of `SEARCH_NAMES_STRANGERS`."""

    code: WarningCode
    expected_false_candidates: float | None = None
    max_false_candidates: float | None = None
