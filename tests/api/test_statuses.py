"""The contract's table of statuses and codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.api.problems import kinds_by_code, status_of
from service.domain import errors
from service.domain.errors import FaceError
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
ROWS = [(status, code) for status, codes in CONTRACT.items() for code in sorted(codes)]


def family(kind: type[FaceError]) -> Iterator[type[FaceError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from family(child)


@pytest.mark.parametrize(("status", "code"), ROWS)
def test_code_has_its_status(status: int, code: str) -> None:
    assert status_of(kinds_by_code()[code]) == status


def test_what_the_operator_must_mend_is_a_503() -> None:
    for kind in family(errors.OperationFailed):
        assert status_of(kind) == 503


def test_key_service_that_is_away_is_a_503() -> None:
    assert status_of(errors.KeyServiceUnavailable) == 503


def test_every_error_that_names_itself_has_a_status_other_than_500() -> None:
    for kind in family(FaceError):
        if "code" in vars(kind) and kind.code not in CONTRACT[500]:
            assert status_of(kind) != 500


def test_every_code_with_a_text_is_an_errors_and_the_other_way() -> None:
    assert set(kinds_by_code()) == names("error")
