"""What an enrollment does about people who look alike: the collection's rule is the least of it."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.callers import Caller, Scope
from service.domain.collection import CollectionSettings, DuplicatePolicy
from service.domain.thresholds import Calibration, Profile

_STRICTEST_FIRST = (DuplicatePolicy.REJECT, DuplicatePolicy.FLAG, DuplicatePolicy.ALLOW)


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """What becomes of somebody enrolled at or above `profile.threshold`."""

    policy: DuplicatePolicy
    profile: Profile


def duplicate_rule(
    settings: CollectionSettings,
    calibration: Calibration,
    caller: Caller,
    policy: DuplicatePolicy | None,
    profile: str | None,
) -> DuplicateRule:
    """The collection's own, or what the caller asks for where that is stricter.

    A laxer policy (reject > flag > allow) or a higher threshold counts only for keys with `admin`:
    else whoever may enroll could sign one person up twice, by a word in the request.
    Raises `ProfileNotFound`.
    """
    own_policy, own = settings.duplicate_policy, calibration.profile(settings.duplicate_profile)
    asked_policy = policy or own_policy
    asked = own if profile is None else calibration.profile(profile)
    if caller.may(Scope.ADMIN):
        return DuplicateRule(asked_policy, asked)
    return DuplicateRule(
        min(own_policy, asked_policy, key=_STRICTEST_FIRST.index),
        min(own, asked, key=lambda each: each.threshold),
    )
