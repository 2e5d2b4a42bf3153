"""Who may do what, where, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.callers import LOCAL_USER, OPEN_KIOSK, ApiKey, Caller, Scope
from service.domain.errors import NotAllowed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)

scopes = st.frozensets(st.sampled_from(Scope))


def _key(expires_at: datetime | None = None, revoked_at: datetime | None = None) -> ApiKey:
    return ApiKey("till", frozenset(), frozenset(), NOW, expires_at, revoked_at)


def test_scopes_are_those_of_the_contract() -> None:
    scopes = ["token", "enroll", "verify", "search", "embedding", "admin"]
    assert [scope.value for scope in Scope] == scopes


@given(scopes, st.sampled_from(Scope))
def test_caller_may_what_the_scopes_say_and_nothing_else(
    held: frozenset[Scope], asked: Scope
) -> None:
    assert Caller("till", held).may(asked) == (asked in held)


@given(scopes, st.sampled_from(Scope))
def test_scope_that_is_missing_is_refused(held: frozenset[Scope], asked: Scope) -> None:
    caller = Caller("till", held - {asked})
    with pytest.raises(NotAllowed):
        caller.require(asked)


def test_admin_does_not_imply_the_other_scopes() -> None:
    with pytest.raises(NotAllowed):
        Caller("office", frozenset({Scope.ADMIN})).require(Scope.ENROLL)


def test_caller_bound_to_collections_reaches_no_other() -> None:
    caller = Caller("till", frozenset(Scope), frozenset({"shop"}))
    caller.require_collection("shop")
    with pytest.raises(NotAllowed):
        caller.require_collection("default")


@given(st.text(max_size=20))
def test_caller_bound_to_none_reaches_every_collection(name: str) -> None:
    Caller("till", frozenset(Scope)).require_collection(name)


def test_local_user_may_everything_everywhere() -> None:
    assert all(LOCAL_USER.may(scope) for scope in Scope)
    LOCAL_USER.require_collection("any")


def test_open_kiosk_may_make_tokens_and_nothing_else() -> None:
    assert [scope for scope in Scope if OPEN_KIOSK.may(scope)] == [Scope.TOKEN]


def test_key_without_an_end_stays_valid() -> None:
    assert _key().is_valid(NOW + timedelta(days=36500))


def test_key_is_valid_until_it_expires_and_not_from_that_moment_on() -> None:
    assert _key(expires_at=NOW).is_valid(NOW - MOMENT)
    assert not _key(expires_at=NOW).is_valid(NOW)


def test_revoked_key_is_never_valid() -> None:
    assert not _key(expires_at=NOW + timedelta(days=1), revoked_at=NOW).is_valid(NOW - MOMENT)
