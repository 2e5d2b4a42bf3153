"""How often a liveness check errs is counted as ISO/IEC 30107-3 has it: by presentations, and each species for itself.

APCER: the share of attack presentations of one species that pass as bona fide. BPCER: that of bona fide
ones taken for attacks. Both are of those that got an answer; the share that got none is the non-response
rate, APNRR or BPNRR. One mean over species would hide the one that passes, so the worst is named. Bounds
hold where each presentation was made anew: frames of one recording are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from service.domain.error_rates import Rate
from service.domain.passive_liveness import Presentation, looks_attacked

LEAST_PRESENTATIONS = 30
"""With fewer nothing is said: of 30 without an error the true rate may still be 10 %."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the check said of a presentation. `scores`: of the pictures that it could judge.

    `reasons`: of the others, a `face.Reason` or a `passive_liveness.NoSignal` each.
    """

    presentation: Presentation
    scores: Sequence[float] = ()
    reasons: Sequence[str] = ()

    @property
    def responded(self) -> bool:
        return bool(self.scores)

    @property
    def score(self) -> float:
        """The median, of one that got an answer."""
        return median(self.scores)

    @property
    def is_error(self) -> bool:
        """Of one that got an answer: an attack that passed, or a face that was taken for one."""
        return looks_attacked(self.scores) == (self.presentation.species is None)


@dataclass(frozen=True, slots=True)
class Group:
    """The presentations of one species, or the bona fide ones (`species`: None)."""

    species: str | None
    answers: Sequence[Answer] = field(repr=False)

    @property
    def error(self) -> Rate | None:
        """APCER or BPCER; None where too few got an answer."""
        answered = [answer for answer in self.answers if answer.responded]
        return _rate(sum(answer.is_error for answer in answered), len(answered))

    @property
    def non_response(self) -> Rate | None:
        """APNRR or BPNRR; None of too few."""
        return _rate(sum(not each.responded for each in self.answers), len(self.answers))

    @property
    def reasons(self) -> Mapping[str, int]:
        """Of the presentations without an answer, by what stood in the way of their first picture."""
        return Counter(each.reasons[0] for each in self.answers if each.reasons and not each.scores)

    @property
    def wrong(self) -> Sequence[Answer]:
        """The errors, to be looked at; none of too few, from which a rate could be reckoned."""
        if self.error is None:
            return []
        return [answer for answer in self.answers if answer.responded and answer.is_error]


@dataclass(frozen=True, slots=True)
class Measured:
    """`attacks`: the species in the order of their names."""

    bona_fide: Group
    attacks: Sequence[Group]

    @property
    def worst(self) -> Group | None:
        """The species of the highest APCER; None where none has enough presentations."""
        told = [(group.error.value or 0.0, group) for group in self.attacks if group.error]
        return max(told, key=lambda each: each[0])[1] if told else None

    @property
    def untold(self) -> Sequence[Group]:
        """The species of which nothing is said; any of them may be worse than the worst."""
        return [group for group in self.attacks if group.error is None]


def measured(answers: Sequence[Answer]) -> Measured:
    def group_of(species: str | None) -> Group:
        return Group(species, [each for each in answers if each.presentation.species == species])

    species = {each.presentation.species for each in answers} - {None}
    return Measured(group_of(None), [group_of(one) for one in sorted(filter(None, species))])


def _rate(count: int, total: int) -> Rate | None:
    return Rate(count, total, effective=total) if total >= LEAST_PRESENTATIONS else None
