"""What nobody expected: a problem document for the caller, frames without contents for the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from service.domain.errors import (
    CameraUnavailable,
    DatabaseUnavailable,
    FaceError,
    ModelUnavailable,
    Overloaded,
)
from tests.api.in_process import calling, raising
from tests.telemetry.lines import Lines

SECRET = "kim-minji, embedding 0.123456"
VERIFY = {"subjectId": "kim-minji", "embedding": [0.123456]}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Lines]:
    """What the service writes, as it is written."""
    caplog.set_level(logging.DEBUG, "service")
    lines = Lines()
    logging.getLogger("service").addHandler(lines)
    yield lines
    logging.getLogger("service").removeHandler(lines)


def failing_deep_inside(*_: object) -> None:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise RuntimeError(SECRET) from error


def test_unexpected_exception_is_an_internal_error() -> None:
    answer = calling(verify=failing_deep_inside).request("POST", "/verify", json=VERIFY)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/docs/errors#internal_error",
        "title": "서버 내부 오류입니다.",
        "status": 500,
        "detail": "요청은 처리되지 않았습니다. requestId와 함께 관리자에게 알려 주세요.",
        "code": "internal_error",
        "requestId": answer.headers["X-Request-Id"],
    }


def test_log_has_type_and_frames_but_not_the_message(log: Lines) -> None:
    answer = calling(verify=failing_deep_inside).request("POST", "/verify", json=VERIFY)
    (line,) = [line for line in log.all if line["level"] == "error"]
    assert line["exception"] == "RuntimeError"
    assert "failing_deep_inside" in line["frames"][-1]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert "kim-minji" not in log.text
    assert "0.123456" not in log.text


def test_answer_that_cannot_be_written_is_an_internal_error() -> None:
    answer = calling(verify=lambda _: None).request("POST", "/verify", json=VERIFY)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


@pytest.mark.parametrize(
    "error",
    [
        Overloaded(),
        DatabaseUnavailable(),
        CameraUnavailable(),
        ModelUnavailable(model="m", path="p", cause="c"),
    ],
    ids=lambda error: error.code,
)
def test_unavailable_is_503_and_says_when_to_try_again(error: FaceError) -> None:
    answer = calling(verify=raising(error)).request("POST", "/verify", json=VERIFY)
    assert (answer.status_code, answer.json()["code"]) == (503, error.code)
    assert int(answer.headers["Retry-After"]) >= 1


def test_failure_of_the_key_store_lets_nobody_in() -> None:
    class Broken:
        authenticate = staticmethod(raising(DatabaseUnavailable()))

    answer = calling(api_keys=Broken()).request("POST", "/verify", json=VERIFY)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


def test_access_line_has_the_pattern_of_the_route_and_no_path(log: Lines) -> None:
    calling().request("GET", "/admin/subjects/kim%0Aminji?collection=secret-shop")
    (line,) = [line for line in log.all if line["logger"] == "service.access"]
    assert line["method"] == "GET"
    assert line["route"] == "/admin/subjects/{subjectId}"
    assert line["status"] == 400
    assert line["caller"] == "tester"
    assert "kim" not in log.text
    assert "secret-shop" not in log.text


def test_method_nobody_knows_does_not_get_into_the_log(log: Lines) -> None:
    calling().request("KIM-1!", "/enroll")
    (line,) = [line for line in log.all if line["logger"] == "service.access"]
    assert line["method"] == "?"
    assert "KIM-1!" not in log.text
