"""Error rates are counted and bounded as ISO/IEC 19795-1 has it: errors of trials, and how far the truth may be away.

Bounds are one-sided, at 95 %: the true rate is above `upper` once in twenty times, so that of nothing
seen in n trials it is below 3/n (the rule of three). Clopper and Pearson (1934) count every comparison
as one of its own. Those of one person are not: so each rate is also bounded by people. The variance
between people (delete-one jackknife) says how many independent comparisons would tell as much, and the
same bounds are taken of these (Korn and Graubard, Survey Methodology 24, 1998).

SciPy is imported by whoever measures, and by no server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

Counts: TypeAlias = NDArray[np.int64]

CONFIDENCE = 0.95

RULE_OF_THREE = 3.0
"""-ln(1 - 0.95): a rate below 3 / n cannot be told from none in n trials."""


def upper_bound(errors: float, trials: float) -> float:
    """Clopper and Pearson's. The arguments need not be whole.

    >>> round(upper_bound(0, 700), 4)
    0.0043
    """
    if errors >= trials:
        return 1.0
    return float(betaincinv(errors + 1.0, trials - errors, CONFIDENCE))


def lower_bound(errors: float, trials: float) -> float:
    if errors <= 0.0:
        return 0.0
    return float(betaincinv(errors, trials - errors + 1.0, 1.0 - CONFIDENCE))


def upper_bounds(errors: Counts, trials: int) -> NDArray[np.float64]:
    """`upper_bound` of each number of errors."""
    short = np.minimum(errors, trials - 1)
    bounds = betaincinv(short + 1.0, trials - short, CONFIDENCE)
    return np.where(errors >= trials, 1.0, bounds)


@dataclass(frozen=True, slots=True)
class Rate:
    """`errors` of `trials`. `effective`: trials, each with people of its own, that would tell as much.

    None of its numbers means anything where there was no trial; its bounds are then 0 and 1.
    """

    errors: int
    trials: int
    effective: float

    @property
    def value(self) -> float | None:
        return self.errors / self.trials if self.trials else None

    @property
    def lower(self) -> float:
        return lower_bound(self.errors, self.trials)

    @property
    def upper(self) -> float:
        return upper_bound(self.errors, self.trials)

    @property
    def lower_by_people(self) -> float:
        return lower_bound((self.value or 0.0) * self.effective, self.effective)

    @property
    def upper_by_people(self) -> float:
        return upper_bound((self.value or 0.0) * self.effective, self.effective)

    @property
    def least_told(self) -> float:
        """The rate below which there are not enough trials to tell it from none."""
        return RULE_OF_THREE / self.trials if self.trials else 1.0


def rate_by_people(errors: Counts, trials: Counts, *, in_each: int, independent: int) -> Rate:
    """`errors`, `trials`: (people,), those in which each person took part. `in_each`: people in a trial,
    1 or 2. `independent`: trials to count where people do not differ: the people, or pairs of them.
    """
    total, seen = int(trials.sum()) // in_each, int(errors.sum()) // in_each
    effective = min(float(total), _effective(errors, trials, seen, total) or float(independent))
    return Rate(seen, total, effective)


def _effective(errors: Counts, trials: Counts, seen: int, total: int) -> float | None:
    """None where everybody's rate is the same."""
    rest = total - trials
    taking_part = (trials > 0) & (rest > 0)
    left_out = (seen - errors[taking_part]) / rest[taking_part]
    people = len(left_out)
    if people < 2:
        return None
    variance = (people - 1) / people * float(np.square(left_out - left_out.mean()).sum())
    rate = seen / total
    return rate * (1.0 - rate) / variance if variance > 0.0 and 0.0 < rate < 1.0 else None
