"""A pack comes whole, or not at all."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.domain.errors import ModelUnavailable
from service.engine.download import Patience, download_pack
from service.engine.packs import find_pack, open_pack
from tests.engine.file_server import Origin, serving
from tests.engine.onnx_models import write_pack

PATIENCE = Patience(silence=0.3, whole=1.0)
"""Seconds after which these tests give a server up."""


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    """A good pack, its models in a folder of their own, with a file that is no model."""
    folder = write_pack(tmp_path / "source")
    members = {f"buffalo_s/{path.name}": path.read_bytes() for path in folder.iterdir()}
    return _zip({**members, "buffalo_s/README.md": b"read me"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "root" / "models" / "buffalo_s"


def test_a_whole_archive_becomes_a_pack(archive: bytes, folder: Path) -> None:
    _download(_release(archive), folder)
    assert open_pack("buffalo_s", folder).detection.path == folder / "det_tiny.onnx"


def test_only_models_are_taken_out_of_it(archive: bytes, folder: Path) -> None:
    _download(_release(archive), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["det_tiny.onnx", "w_tiny.onnx"]


def test_nothing_else_is_left_behind(archive: bytes, folder: Path) -> None:
    _download(_release(archive), folder)
    assert list(folder.parent.iterdir()) == [folder]


def test_two_at_once_both_succeed(archive: bytes, folder: Path) -> None:
    with serving(_release(archive)) as url, ThreadPoolExecutor() as callers:
        calls = [callers.submit(download_pack, "buffalo_s", folder, url) for _ in range(4)]
        for call in calls:
            call.result()
    assert list(folder.parent.iterdir()) == [folder]


def test_an_archive_that_ends_early_is_refused(archive: bytes, folder: Path) -> None:
    cause = _refused(_release(archive[:-100], announced=len(archive)), folder)
    assert cause.endswith("it ended before it was complete")


def test_an_archive_without_its_end_is_refused(archive: bytes, folder: Path) -> None:
    assert _refused(_release(archive[:-100]), folder).endswith("not a whole zip archive")


def test_a_damaged_archive_is_refused(archive: bytes, folder: Path) -> None:
    middle = len(archive) // 2
    damaged = archive[:middle] + bytes(64) + archive[middle + 64 :]
    assert "the download from" in _refused(_release(damaged), folder)


def test_what_is_no_archive_is_refused(folder: Path) -> None:
    assert _refused(_release(b"<html>sign in</html>"), folder).endswith("not a whole zip archive")


def test_an_archive_without_models_is_refused(folder: Path) -> None:
    cause = _refused(_release(_zip({"README.md": b"read me"})), folder)
    assert cause.endswith("it holds no ONNX model")


@pytest.mark.parametrize("name", ["../evil.onnx", "a/../../evil.onnx", "/evil.onnx", "C:evil.onnx"])
def test_an_archive_that_reaches_outside_is_refused(folder: Path, name: str) -> None:
    cause = _refused(_release(_zip({name: b"evil"})), folder)
    assert cause.endswith("it names files outside its own folder")


def test_a_server_that_falls_silent_is_given_up(archive: bytes, folder: Path) -> None:
    cause = _refused(_release(archive, silent=True), folder)
    assert cause.endswith("the server stopped answering")


def test_a_pack_that_the_server_does_not_have_is_refused(archive: bytes, folder: Path) -> None:
    with serving(_release(archive)) as url, pytest.raises(ModelUnavailable) as refused:
        download_pack("buffalo_m", folder, url)
    assert "404" in str(refused.value.values["cause"])


def test_a_server_that_is_not_there_is_refused(archive: bytes, folder: Path) -> None:
    with serving(_release(archive)) as url:
        pass
    with pytest.raises(ModelUnavailable) as refused:
        download_pack("buffalo_s", folder, url)
    assert refused.value.values["path"] == folder
    assert "urlopen error" not in str(refused.value.values["cause"])


def test_a_folder_that_cannot_be_made_is_refused(archive: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert "the download from" in _refused(
        _release(archive), tmp_path / "file" / "models" / "buffalo_s", clean=False
    )


def test_a_missing_public_pack_is_downloaded_on_first_use(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def stand_in(name: str, target: Path, base_url: str) -> None:
        assert base_url.startswith("https://github.com/deepinsight/insightface/releases/")
        asked.append(name)
        write_pack(target)

    monkeypatch.setattr("service.engine.packs.download_pack", stand_in)
    for _ in range(2):
        find_pack("buffalo_s", folder.parents[1])
    assert asked == ["buffalo_s"]


def _release(archive: bytes, announced: int | None = -1, silent: bool = False) -> Origin:
    return Origin(archive, "/buffalo_s.zip", announced, silent)


def _download(release: Origin, folder: Path) -> None:
    with serving(release) as url:
        download_pack("buffalo_s", folder, url, PATIENCE)


def _refused(release: Origin, folder: Path, clean: bool = True) -> str:
    with pytest.raises(ModelUnavailable) as refused:
        _download(release, folder)
    if clean:
        assert list(folder.parent.iterdir()) == []
    return str(refused.value.values["cause"])


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return buffer.getvalue()
