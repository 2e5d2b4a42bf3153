"""Engines as the tests want them."""

from __future__ import annotations

from pathlib import Path

from service.engine.pack_engine import PackEngine
from service.engine.packs import find_pack
from service.engine.pool import WorkerPool
from service.engine.providers import CPU


def engine_of(name: str, root: Path, threshold: float = 0.6) -> PackEngine:
    return PackEngine(find_pack(name, root), threshold, [CPU], WorkerPool(2))
