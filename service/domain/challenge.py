"""A liveness challenge asks for movements that nobody could know before, and begins and ends by looking ahead."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise


class Step(StrEnum):
    """Part of the contract. Left and right are the person's own."""

    LOOK_AHEAD = "look_ahead"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    COME_CLOSER = "come_closer"


TURNS = (Step.TURN_LEFT, Step.TURN_RIGHT)
MOVEMENTS = (*TURNS, Step.LOOK_UP, Step.LOOK_DOWN, Step.COME_CLOSER)

FEWEST, MOST = 3, 4
"""Movements: 66 challenges of three and 262 of four. A length is drawn first, so that one of three comes once in 132
sessions and one of four once in 524."""


def random_challenge(below: Callable[[int], int] = secrets.randbelow) -> tuple[Step, ...]:
    """Every challenge that may be asked for is as likely as every other of its length.

    `below`: a random number from 0 to one less than its argument.
    """
    length = FEWEST + below(MOST - FEWEST + 1)
    while True:
        movements = [MOVEMENTS[below(len(MOVEMENTS))] for _ in range(length)]
        if may_be_asked(movements):
            return (Step.LOOK_AHEAD, *movements, Step.LOOK_AHEAD)


def may_be_asked(movements: Sequence[Step]) -> bool:
    """No movement twice in a row. A turn is among them, since only a turn tells a head from a sheet.

    Coming closer once at most: nobody is told to step back.
    """
    repeated = any(one is next_ for one, next_ in pairwise(movements))
    turned = any(one in TURNS for one in movements)
    return turned and not repeated and movements.count(Step.COME_CLOSER) <= 1
