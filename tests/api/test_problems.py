"""Which status an error is answered with, and that its particulars have the documented shape."""

from __future__ import annotations

import pytest

from service.api.problem_answer import MissingRight, ProblemAnswer
from service.api.problems import status_of
from service.domain.callers import Scope
from service.domain.errors import FaceError, OperationFailed, RateLimited, Unavailable
from tests.api.installed import Installed

LATER = [*Unavailable.__subclasses__(), *OperationFailed.__subclasses__()]
LATER.remove(RateLimited)  # 429: the caller's own doing


@pytest.mark.parametrize("kind", LATER, ids=lambda kind: kind.code)
def test_what_may_be_asked_again_later_is_503(kind: type[FaceError]) -> None:
    assert status_of(kind) == 503


@pytest.mark.parametrize(
    ("scope", "call", "lacking"),
    [
        (Scope.SEARCH, ("POST", "/check"), MissingRight(scope="token/enroll/verify")),
        (Scope.SEARCH, ("GET", "/admin/audit"), MissingRight(scope="admin")),
        (
            Scope.ADMIN,
            ("GET", "/admin/apikeys"),
            MissingRight(scope="admin", collections="all"),
        ),
        (
            Scope.ADMIN,
            ("GET", "/admin/subjects?collection=other"),
            MissingRight(collection="other"),
        ),
    ],
)
def test_what_a_key_lacks_is_told_as_documented(
    service: Installed, scope: Scope, call: tuple[str, str], lacking: MissingRight
) -> None:
    answer = service.call(*call, service.key(scope, collections=("shop",)))
    assert answer.status_code == 403
    assert ProblemAnswer.model_validate_json(answer.content).errors == [lacking]
