"""What `face bulk-enroll --json` prints. By itself, since models of answers take their time to import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from service.api.models import Camel, WarningAnswer, warning_answers
from service.domain.bulk import Result
from service.domain.warnings import DecisionWarning
from service.texts import Language


class BulkAnswer(Camel):
    """`refused`: how many by code. `report`: None where nobody was refused or flagged. `warnings`: of
    the last duplicate check, in which the most people are compared.
    """

    rows: int
    enrolled: int
    flagged: int
    already: int
    refused: dict[str, int]
    report: str | None
    warnings: list[WarningAnswer]


def bulk_answer(
    results: Counter[Result],
    codes: Counter[str],
    warnings: Sequence[DecisionWarning],
    report: str | None,
    language: Language,
) -> BulkAnswer:
    """`results`: of all rows. `codes`: of those that were refused."""
    return BulkAnswer(
        rows=results.total(),
        enrolled=results[Result.ENROLLED],
        flagged=results[Result.FLAGGED],
        already=results[Result.ALREADY],
        refused=dict(sorted(codes.items())),
        report=report,
        warnings=warning_answers(warnings, language),
    )
