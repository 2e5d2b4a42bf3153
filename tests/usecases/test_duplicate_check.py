"""Whoever enrolls may be stricter about duplicates than the collection, never laxer."""

from __future__ import annotations

import pytest

from service.domain.callers import Caller, Scope
from service.domain.collection import CollectionSettings, DuplicatePolicy
from service.domain.errors import ProfileNotFound
from service.domain.thresholds import ARCFACE
from service.usecases.duplicate_check import duplicate_rule

REJECT, FLAG, ALLOW = DuplicatePolicy.REJECT, DuplicatePolicy.FLAG, DuplicatePolicy.ALLOW
ENROLLER = Caller("till", frozenset(Scope) - {Scope.ADMIN})
ADMIN = Caller("office", frozenset({Scope.ENROLL, Scope.ADMIN}))


def rule_for(
    caller: Caller,
    policy: DuplicatePolicy | None = None,
    profile: str | None = None,
    **settings: object,
) -> tuple[DuplicatePolicy, str]:
    kept = CollectionSettings(**settings)  # type: ignore[arg-type]
    rule = duplicate_rule(kept, ARCFACE, caller, policy, profile)
    return rule.policy, rule.profile.name


@pytest.mark.parametrize(
    ("own", "asked", "holds"),
    [
        (REJECT, ALLOW, REJECT),
        (REJECT, FLAG, REJECT),
        (FLAG, ALLOW, FLAG),
        (FLAG, REJECT, REJECT),
        (ALLOW, FLAG, FLAG),
        (ALLOW, REJECT, REJECT),
        (ALLOW, ALLOW, ALLOW),
        (FLAG, None, FLAG),
    ],
)
def test_stricter_policy_holds(
    own: DuplicatePolicy, asked: DuplicatePolicy | None, holds: DuplicatePolicy
) -> None:
    assert rule_for(ENROLLER, asked, duplicate_policy=own)[0] is holds


@pytest.mark.parametrize("own", DuplicatePolicy)
@pytest.mark.parametrize("asked", DuplicatePolicy)
def test_admin_chooses(own: DuplicatePolicy, asked: DuplicatePolicy) -> None:
    assert rule_for(ADMIN, asked, duplicate_policy=own)[0] is asked


@pytest.mark.parametrize(
    ("own", "asked", "holds"),
    [
        ("balanced", "conservative", "balanced"),
        ("balanced", "aggressive", "aggressive"),
        ("aggressive", "balanced", "aggressive"),
        ("balanced", None, "balanced"),
    ],
)
def test_lower_threshold_holds(own: str, asked: str | None, holds: str) -> None:
    assert rule_for(ENROLLER, None, asked, duplicate_profile=own)[1] == holds


def test_admin_chooses_the_profile() -> None:
    assert rule_for(ADMIN, None, "conservative")[1] == "conservative"


def test_threshold_counts_and_not_the_name() -> None:
    lenient = {"event": 0.9, "balanced": 0.2}
    kept = CollectionSettings(thresholds=lenient, duplicate_profile="event")
    calibration = ARCFACE.with_thresholds(lenient)
    rule = duplicate_rule(kept, calibration, ENROLLER, None, "balanced")
    assert (rule.profile.name, rule.profile.threshold) == ("balanced", 0.2)


def test_unknown_profile_is_refused_whoever_asks() -> None:
    for caller in (ENROLLER, ADMIN):
        with pytest.raises(ProfileNotFound):
            rule_for(caller, None, "nothing")
