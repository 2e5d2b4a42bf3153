"""Attacks with photographs of a person, by species (ISO/IEC 30107-3): the same for a seed."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from service.domain.challenge import Step
from tests.liveness.portrait import PortrayedPerson
from tests.liveness.scene import Pose, Presented, Scene
from tests.liveness.session import Goals, Presenter, goals_of_sheet
from tests.liveness.sheet import FlatSheet, Sheet, SwappedSheets


class Species(StrEnum):
    """`BENT`: to a cylinder. `CRUMPLED`: about its height and its width. `SWAPPED`: a second photograph, of
    the same person looking aside, is held up in the turns.
    """

    FLAT = "flat"
    BENT = "bent"
    CRUMPLED = "crumpled"
    SCREEN = "screen"
    SWAPPED = "swapped"


def attack(species: Species, person: PortrayedPerson, random: np.random.Generator) -> Presenter:
    presented = _presented(species, person, random)
    return Presenter(presented, _goals(species, random), random)


def _presented(species: Species, person: PortrayedPerson, random: np.random.Generator) -> Presented:
    scene = Scene(int(random.integers(2**31)))
    fills = bool(random.integers(2))
    if species is Species.SWAPPED:
        return SwappedSheets(person.frontal, person.aside, scene, Sheet(fills=fills))
    candidates = (person.frontal, *person.others)
    portrait = candidates[max(0, int(random.integers(-3, len(candidates))))]
    return FlatSheet(portrait, scene, _sheet(species, random, fills=fills))


def _sheet(species: Species, random: np.random.Generator, *, fills: bool) -> Sheet:
    if species is Species.BENT:
        return Sheet(bent=random.uniform(8, 45), fills=fills)
    if species is Species.CRUMPLED:
        return Sheet(random.uniform(5, 30), random.uniform(5, 30), fills)
    return Sheet(fills=fills, is_screen=species is Species.SCREEN)


def _goals(species: Species, random: np.random.Generator) -> Goals:
    """The second photograph looks aside already: it is turned a little."""
    goals = goals_of_sheet(random)
    if species is not Species.SWAPPED:
        return goals
    turn = float(random.uniform(18, 30))
    return {**goals, Step.TURN_LEFT: Pose(turned=turn), Step.TURN_RIGHT: Pose(turned=-turn)}
