"""`face server`: what stops its start, and how it ends."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.face import SECONDS, Face
from tests.cli.serving import (
    LISTENING,
    STARTED,
    address,
    database_runs,
    get,
    serving,
    taken_port,
)

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


@pytest.fixture
def kiosk(embedded_face: Face, model_root: Path) -> Face:
    """The model and an embedded database."""
    return embedded_face.but(model_root=model_root, model_name="mobile_s")


@posix_only
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_server_that_is_told_to_stop_takes_its_database_along(
    kiosk: Face, data_dir: Path, how: signal.Signals
) -> None:
    with serving(kiosk) as server:
        url = address(server.read_until(LISTENING))
        assert any(STARTED in line for line in server.lines)
        assert get(f"{url}/readyz").json()["database"] == "ready"
        assert kiosk("subjects", "list").status == 0  # on the database that the server uses
        assert get(f"{url}/readyz").status_code == 200
        assert server.stop(how) == (0, [])
    assert not database_runs(data_dir)


@posix_only
def test_several_workers_end_together(
    kiosk: Face, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(kiosk, "--workers", 2) as server:
        server.read_until(STARTED, STARTED)
        assert list(tmp_path.glob("face-metrics-*/histogram_*.db"))
        assert server.stop(signal.SIGTERM) == (0, [])
    assert not database_runs(data_dir)
    assert not list(tmp_path.glob("face-metrics-*"))


@posix_only
def test_workers_end_with_a_parent_that_was_killed(gallery_face: Face) -> None:
    with serving(gallery_face, "--workers", 2) as server:
        url = address(server.read_until(LISTENING))
        assert any(STARTED in line for line in server.lines)
        assert get(f"{url}/healthz").json() == {"status": "alive"}
        assert server.stop(signal.SIGKILL, seconds=SECONDS) == (-signal.SIGKILL, [])
    port = httpx.URL(url).port or 0
    socket.create_server(("127.0.0.1", port)).close()  # nobody holds it


@pytest.mark.parametrize("workers", [1, 2])
def test_pack_that_cannot_be_loaded_stops_the_start(bare_gallery: Face, workers: int) -> None:
    face = bare_gallery.but(model_name="nopack")
    outcome = face("server", "--port", 0, "--workers", workers)
    assert outcome.status == 3
    assert outcome.err.count("[model_unavailable]") == 1
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("workers", [1, 2])
def test_taken_port_is_told_before_anything_is_loaded(bare: Face, workers: int) -> None:
    with taken_port() as port:
        outcome = bare("server", "--port", port, "--workers", workers)
    assert outcome.status == 3
    assert outcome.err.startswith(f"127.0.0.1:{port}에서 요청을 받을 수 없습니다: ")
    assert "--port" in outcome.err
    assert "Traceback" not in outcome.err
