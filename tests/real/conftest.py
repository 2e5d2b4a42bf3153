"""The whole service on real photographs, a real model and a real database, without HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.config import AppConfig
from service.wiring import Wiring
from tests.postgres import TestServer

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="module")
def module_database_url(postgres_server: TestServer, migrated_template: str) -> Iterator[str]:
    """A database that the tests of a module share, which read and do not write."""
    url = postgres_server.create(migrated_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="module")
def service(model_root: Path, module_database_url: str) -> Iterator[Wiring]:
    """Everything wired as in production, on the pack `mobile_s`."""
    config = AppConfig(
        model_name="mobile_s",
        model_root=model_root,
        use_gpu=False,
        database_url=SecretStr(module_database_url),
        master_key=SecretStr(MASTER_KEY),
    )
    wiring = Wiring(config)
    wiring.prepare()
    yield wiring
    wiring.storage.close()


def settings(data_dir: Path, key: str | None, model_root: Path) -> AppConfig:
    """Of a machine with an embedded database in `data_dir`."""
    return AppConfig(
        model_name="mobile_s",
        model_root=model_root,
        use_gpu=False,
        data_dir=data_dir,
        database_url=None,
        master_key=None if key is None else SecretStr(key),
    )
