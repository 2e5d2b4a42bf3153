"""The contract's table of statuses and codes, and the page that tells all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from scripts.environment import ROOT
from service.api.problems import AddressNotFound, MethodNotAllowed, status_of
from service.domain import errors
from service.domain.errors import FaceError
from service.domain.face import Reason
from tests.texts.keys import names

CONTRACT = {
    400: {"invalid_request"},
    401: {"unauthenticated"},
    403: {"not_allowed", "directory_not_allowed"},
    404: {"subject_not_found", "collection_not_found", "profile_not_found"},
    409: {
        "subject_exists",
        "duplicate_subject",
        "subject_mismatch",
        "model_mismatch",
        "idempotency_conflict",
        "liveness_used",
    },
    410: {"liveness_expired"},
    413: {"image_too_large", "too_many_images"},
    415: {"unsupported_image"},
    422: {
        "no_usable_face",
        "directory_not_found",
        "inconsistent_images",
        "invalid_embedding",
        "liveness_failed",
        "liveness_required",
    },
    429: {"rate_limited", "subject_locked"},
    500: {"audit_tampered", "record_tampered", "template_tampered", "internal_error"},
    503: {"overloaded", "database_unavailable", "camera_unavailable"},
}
PAGE = (ROOT / "docs" / "errors.md").read_text("utf-8")
ROWS = [(status, code) for status, codes in CONTRACT.items() for code in sorted(codes)]


def family(kind: type[FaceError]) -> Iterator[type[FaceError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from family(child)


def of_code(code: str) -> FaceError:
    """Without what its constructor asks for: only its place in the tree counts."""
    kind = next(kind for kind in family(FaceError) if kind.code == code)
    return kind.__new__(kind)


@pytest.mark.parametrize(("status", "code"), ROWS)
def test_code_has_its_status(status: int, code: str) -> None:
    assert status_of(of_code(code)) == status


def test_what_the_operator_must_mend_is_a_503() -> None:
    for kind in family(errors.OperationFailed):
        assert status_of(kind.__new__(kind)) == 503


def test_key_service_that_is_away_is_a_503() -> None:
    assert status_of(errors.KeyServiceUnavailable()) == 503


def test_every_error_that_names_itself_has_a_status_other_than_500() -> None:
    for kind in family(FaceError):
        if "code" in vars(kind) and kind.code not in CONTRACT[500]:
            assert status_of(kind.__new__(kind)) != 500


def test_page_has_every_code_at_its_status_and_no_others() -> None:
    told = {
        code: int(status)
        for status, codes in re.findall(r"^\| (\d+) \| ([^|]+) \|", PAGE, re.MULTILINE)
        for code in re.findall("`([a-z_]+)`", codes)
    }
    apart = {kind.code: kind for kind in (AddressNotFound, MethodNotAllowed)}
    for code, status in told.items():
        error = apart[code]() if code in apart else of_code(code)
        assert status_of(error) == status, code
    (elsewhere,) = re.findall(r"^Only the command line.+?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert {*told, *re.findall("`([a-z_]+)`", elsewhere)} == names("error")
    assert told.keys().isdisjoint(re.findall("`([a-z_]+)`", elsewhere))


def test_page_has_every_reason_of_a_photograph() -> None:
    (reasons,) = re.findall(r"^Reasons of photographs.+", PAGE, re.MULTILINE)
    assert set(re.findall("`([a-z_]+)`", reasons)) == set(Reason)
