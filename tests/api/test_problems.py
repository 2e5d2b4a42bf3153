"""Which status an error is answered with."""

from __future__ import annotations

import pytest

from service.api.problems import status_of
from service.domain.errors import FaceError, OperationFailed, RateLimited, Unavailable

LATER = [*Unavailable.__subclasses__(), *OperationFailed.__subclasses__()]
LATER.remove(RateLimited)  # 429: the caller's own doing


@pytest.mark.parametrize("kind", LATER, ids=lambda kind: kind.code)
def test_what_may_be_asked_again_later_is_503(kind: type[FaceError]) -> None:
    assert status_of(kind) == 503
