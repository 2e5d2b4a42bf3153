"""`BareEngine` calls the engine without a service, from threads."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from scripts.bench.setup import Setup
from service.domain.face import FaceCrop, Uploads
from service.wiring import Wiring


class BareEngine:
    """Decoding, detection and embedding of the same uploads, called from threads: nothing else."""

    def __init__(self, setup: Setup, photographs: Mapping[str, Sequence[bytes]]) -> None:
        wiring = Wiring(setup.config())
        self._engine, self._capture = wiring.engine, wiring.capture
        self._uploads = [one for each in photographs.values() for one in each]

    def per_second(self, threads: int, seconds: float) -> float:
        """Photographs."""
        turns, done = count(), []
        until = time.perf_counter() + seconds

        def work(_thread: int) -> None:
            while time.perf_counter() < until:
                self._embed(self._uploads[next(turns) % len(self._uploads)])
                done.append(True)

        started = time.perf_counter()
        with ThreadPoolExecutor(threads) as callers:
            list(callers.map(work, range(threads)))
        return len(done) / (time.perf_counter() - started)

    def _embed(self, upload: bytes) -> None:
        found = self._engine.detect(self._capture.stills(Uploads([upload])))
        self._engine.embed([crop for crop in found if isinstance(crop, FaceCrop)])
