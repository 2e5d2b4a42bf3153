"""The embedded database, killed under a running server."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import psutil

from service.storage.embedded_use import read_record
from tests.cli.face import SECONDS, Face
from tests.cli.serving import LISTENING, address, serving


def _kill_database(data_dir: Path) -> int:
    """The number of the process that was killed."""
    pid = read_record(data_dir.resolve() / "postgres").pid
    assert pid is not None
    psutil.Process(pid).kill()
    return pid


def _statuses_until_ready(http: httpx.Client) -> set[tuple[int, str | None]]:
    """What callers are answered meanwhile, and by which code."""
    seen = set()
    deadline = time.monotonic() + SECONDS
    while True:
        answer = http.get("/admin/subjects")
        seen.add((answer.status_code, answer.json().get("code")))
        if answer.status_code == 200 and http.get("/readyz").status_code == 200:
            return seen
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)


def test_database_that_is_killed_alone_comes_back(
    embedded_face: Face, data_dir: Path, model_root: Path
) -> None:
    kiosk = embedded_face.but(model_root=model_root, model_name="mobile_s")
    key = kiosk("apikey", "create", "desk", "--scope", "admin").out.strip()
    with serving(kiosk) as server:
        url = address(server.read_until(LISTENING))
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=SECONDS) as http:
            _statuses_until_ready(http)
            for _ in range(2):
                killed = _kill_database(data_dir)
                server.read_until("the embedded database runs again")
                seen = _statuses_until_ready(http)
                assert seen <= {(200, None), (503, "database_unavailable")}
                assert read_record(data_dir.resolve() / "postgres").pid != killed
