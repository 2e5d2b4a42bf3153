"""Commands on a small real model, some with a database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.face import MASTER_KEY, Face


@pytest.fixture
def bare(tmp_path: Path) -> Face:
    """No model and no database: for commands that must not need them."""
    return Face(tmp_path, data_dir=tmp_path / "data", model_root=tmp_path / "packs", use_gpu=False)


@pytest.fixture
def face(bare: Face, model_root: Path) -> Face:
    """With the real small pack."""
    return bare.but(model_root=model_root, model_name="mobile_s")


@pytest.fixture
def bare_gallery(bare: Face, database_url: str) -> Face:
    """With an external database, migrated and empty, and no model."""
    return bare.but(database_url=database_url, master_key=MASTER_KEY)


@pytest.fixture
def gallery_face(face: Face, database_url: str) -> Face:
    """With the model and an external database."""
    return face.but(database_url=database_url, master_key=MASTER_KEY)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """For an embedded database: outside pytest's folders, which its user may not pass."""
    with tempfile.TemporaryDirectory(prefix="face-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def embedded_face(bare: Face, data_dir: Path) -> Face:
    """With an embedded database of its own, and no model."""
    return bare.but(data_dir=data_dir).in_own_process()
