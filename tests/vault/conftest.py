"""A KMS for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vault.wrappers import kms_server, use_kms


@pytest.fixture(scope="session")
def kms_endpoint() -> Iterator[str]:
    with kms_server() as endpoint:
        yield endpoint


@pytest.fixture
def kms(kms_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A KMS at hand, as AWS's own variables tell."""
    use_kms(monkeypatch, kms_endpoint)
    return kms_endpoint
