"""A passive liveness check looks in single pictures for signs that they show a picture of a face and no face.

It is one signal: by itself it makes a session `inconclusive`, and never an attack. Measured on six videos of prints and screens that other people
made, at the threshold below, 30 % of the attack frames pass it and 1.7 % of 60 bona fide ones do not; a
fine screen that fills the picture passes more often than not. What is measured by it is stated in the words of ISO/IEC 30107-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

ATTACK_BELOW = 0.9
"""Score, 0 to 1, under which a picture looks like an attack: what was measured is in the first lines above."""

FRAMES_OF_A_CHECK = 3
"""Pictures of one presentation that are looked at; their median counts."""


class NoSignal(StrEnum):
    """Why nothing can be said of a picture.

    `GRAY`: the models call 59 of 60 gray photographs of people attacks. `NO_MARGIN`: they judge by
    what is around the face, and of a face that fills the picture they see nothing of that.
    """

    GRAY = "gray"
    NO_MARGIN = "no_margin"


@dataclass(frozen=True, slots=True)
class Presentation:
    """What stood before the camera once, in one picture or several.

    `species`: of the attack instrument (a print on matte paper, a tablet); None: a bona fide one.
    """

    name: str = field(repr=False)
    species: str | None
    files: Sequence[str] = field(repr=False)


def looks_attacked(scores: Sequence[float], below: float = ATTACK_BELOW) -> bool:
    """`scores`: one or more, of pictures of one presentation; 1 is most like a face."""
    return median(scores) < below
