"""How often somebody may call, by their key and by where they call from."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.api.installed import Installed

Installing = Callable[..., Installed]

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
WRONG = "face_0000000000000000_" + "A" * 43
REDIS_THAT_IS_AWAY = "redis://127.0.0.1:1/0"


def ask(service: Installed, key: str | None, address: str = HERE, **headers: str) -> httpx.Response:
    return service.call("GET", "/admin/collections/default", key, address, headers)


def statuses(service: Installed, key: str | None, times: int, address: str = HERE) -> list[int]:
    return [ask(service, key, address).status_code for _ in range(times)]


def test_key_has_so_many_calls_from_anywhere(installing: Installing) -> None:
    service = installing(rate_limit_per_key="3/hour")
    key, other = service.key(), service.key()
    assert statuses(service, key, 2) + statuses(service, key, 2, ELSEWHERE) == [200] * 3 + [429]
    assert statuses(service, other, 1) == [200]


def test_address_has_so_many_calls_with_any_key(installing: Installing) -> None:
    service = installing(rate_limit_per_address="3/hour")
    calls = [ask(service, service.key()).status_code for _ in range(4)]
    assert calls == [200] * 3 + [429]
    assert statuses(service, service.key(), 1, ELSEWHERE) == [200]


def test_refused_caller_is_told_when_to_come_back(installing: Installing) -> None:
    service = installing(rate_limit_per_key="1/minute")
    key = service.key()
    ask(service, key)
    refusal = ask(service, key)
    assert refusal.json()["code"] == "rate_limited"
    assert 1 <= int(refusal.headers["Retry-After"]) <= 60
    assert refusal.headers["Retry-After"] in refusal.json()["detail"]


@pytest.mark.parametrize("given", [None, WRONG, "nonsense"])
def test_guessing_is_slowed_and_does_not_shut_out_who_has_a_key(
    installing: Installing, given: str | None
) -> None:
    """Behind a proxy, or in one office, they share an address."""
    service = installing(rate_limit_failures="3/hour")
    key = service.key()
    assert statuses(service, given, 5) == [401] * 3 + [429] * 2
    assert statuses(service, key, 5) == [200] * 5
    assert statuses(service, given, 1) == [429]
    assert statuses(service, given, 1, ELSEWHERE) == [401]


def test_wrong_keys_use_up_nobodys_calls(installing: Installing) -> None:
    service = installing(rate_limit_per_address="2/hour", rate_limit_failures="3/hour")
    assert statuses(service, WRONG, 50) == [401] * 3 + [429] * 47
    assert statuses(service, service.key(), 3) == [200, 200, 429]


def test_wrong_key_whose_id_is_right_is_refused_as_any_other(installing: Installing) -> None:
    service = installing(rate_limit_failures="1/hour")
    key = service.key()
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    answers = [ask(service, given) for given in (WRONG, changed, WRONG)]
    assert [one.status_code for one in answers] == [401, 429, 429]
    assert answers[1].json()["detail"] == answers[2].json()["detail"]


def test_good_calls_are_no_failures(installing: Installing) -> None:
    service = installing(rate_limit_failures="1/hour")
    assert statuses(service, service.key(), 5) == [200] * 5


def test_proxy_is_told_of_once(installing: Installing, caplog: pytest.LogCaptureFixture) -> None:
    service = installing(rate_limit_per_address="9/hour")
    ask(service, None)
    assert "proxy" not in caplog.text
    for number in range(3):
        ask(service, WRONG, **{"X-Forwarded-For": f"203.0.113.{number}"})
    (record,) = [each for each in caplog.records if "proxy" in each.getMessage()]
    assert "x-forwarded-for" in record.getMessage()
    assert "203.0.113" not in record.getMessage()


def test_proxy_is_no_news_where_addresses_are_not_limited(
    installing: Installing, caplog: pytest.LogCaptureFixture
) -> None:
    ask(installing(rate_limit_per_key="9/hour"), None, Via="1.1 proxy")
    assert "proxy" not in caplog.text


def test_forwarding_header_makes_no_other_address(installing: Installing) -> None:
    service = installing(rate_limit_per_address="1/hour")
    key = service.key()
    answers = [ask(service, key, **{"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", 429),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", 200),
        ("::ffff:192.0.2.1", "192.0.2.1", 429),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", 200),
    ],
)
def test_ipv6_addresses_of_one_network_are_one(
    installing: Installing, first: str, second: str, status: int
) -> None:
    service = installing(rate_limit_per_address="1/hour")
    key = service.key()
    assert statuses(service, key, 1, first) == [200]
    assert statuses(service, key, 1, second) == [status]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
def test_open_pages_are_not_limited(installing: Installing, path: str) -> None:
    service = installing(rate_limit_per_address="1/hour", rate_limit_failures="1/hour")
    statuses(service, None, 3)
    assert service.call("GET", path).status_code == 200


def test_two_processes_share_the_counts(installing: Installing) -> None:
    one, two = (installing(rate_limit_per_key="4/hour") for _ in range(2))
    key = one.key()
    calls = [ask(service, key).status_code for service in (one, two) * 3]
    assert calls == [200] * 4 + [429] * 2


@pytest.mark.parametrize("limit", ["per_key", "per_address", "failures"])
def test_nobody_is_answered_while_their_calls_cannot_be_counted(
    installing: Installing, limit: str
) -> None:
    settings = {f"rate_limit_{limit}": "1000/hour", "rate_limit_storage": REDIS_THAT_IS_AWAY}
    service = installing(**settings)
    refusal = ask(service, WRONG if limit == "failures" else service.key())
    assert (refusal.status_code, refusal.json()["code"]) == (503, "database_unavailable")
    assert refusal.headers["Retry-After"]
    assert service.call("GET", "/healthz").status_code == 200
