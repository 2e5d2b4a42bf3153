"""A published file comes whole and with the digest it was published with, or not at all."""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import stat
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.domain.errors import ModelUnavailable
from service.engine.download import Patience, PublishedFile, download_files
from tests.engine.file_server import Origin, serving

CONTENT = bytes(range(256)) * 512
PATIENCE = Patience(silence=0.3, whole=1.0)
"""Seconds after which these tests give a server up."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models" / "sface"


def published(*urls: str, size: int = len(CONTENT), content: bytes = CONTENT) -> PublishedFile:
    return PublishedFile("a.onnx", size, hashlib.sha256(content).hexdigest(), urls)


def download(origin: Origin, folder: Path) -> None:
    with serving(origin) as url:
        download_files("sface", [published(f"{url}file")], folder, PATIENCE)


def refused(origin: Origin, folder: Path) -> str:
    """The cause; nothing of it is left behind."""
    with pytest.raises(ModelUnavailable) as error:
        download(origin, folder)
    assert list(folder.iterdir()) == []
    assert error.value.values["model"] == "sface"
    return str(error.value.values["cause"])


def test_a_file_comes_as_it_was_published(folder: Path) -> None:
    download(Origin(CONTENT), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a.onnx": CONTENT}


def test_others_may_read_it(folder: Path) -> None:
    """A service's own user, where an administrator has downloaded it."""
    download(Origin(CONTENT), folder)
    assert (folder / "a.onnx").stat().st_mode & stat.S_IROTH


def test_a_file_that_is_there_is_not_asked_for_again(folder: Path) -> None:
    origin = Origin(CONTENT)
    with serving(origin) as url:
        for _ in range(2):
            download_files("sface", [published(f"{url}file")], folder, PATIENCE)
    assert len(origin.asked) == 1


def test_nothing_is_sent_but_the_request(folder: Path) -> None:
    origin = Origin(CONTENT)
    download(origin, folder)
    [(path, headers)] = origin.asked
    assert path == "/file"
    assert headers.keys() == {"Host", "User-Agent", "Accept-Encoding", "Connection"}
    assert headers["User-Agent"].startswith("Python-urllib/")


def test_another_content_is_refused(folder: Path) -> None:
    assert "its SHA-256 is not" in refused(Origin(CONTENT[::-1]), folder)


def test_a_file_that_ends_early_is_refused(folder: Path) -> None:
    cause = refused(Origin(CONTENT[:-1], announced=len(CONTENT)), folder)
    assert cause.endswith("it ended before it was complete")


def test_a_file_that_ends_early_without_a_word_is_refused(folder: Path) -> None:
    assert "its SHA-256 is not" in refused(Origin(CONTENT[:-1], announced=None), folder)


def test_a_file_that_is_announced_too_large_is_not_read(folder: Path) -> None:
    cause = refused(Origin(b"", announced=10**12), folder)
    assert cause.endswith(f"it is larger than {len(CONTENT)} bytes")


def test_a_file_that_is_too_large_without_a_word_is_refused(folder: Path) -> None:
    cause = refused(Origin(CONTENT + b"x", announced=None), folder)
    assert cause.endswith(f"it is larger than {len(CONTENT)} bytes")


def test_a_server_that_falls_silent_is_given_up(folder: Path) -> None:
    assert refused(Origin(CONTENT, silent=True), folder).endswith("the server stopped answering")


def test_a_server_that_drips_is_given_up(folder: Path) -> None:
    assert refused(Origin(CONTENT, drips=0.02), folder).endswith("it took too long")


def test_a_file_that_has_moved_is_followed(folder: Path) -> None:
    """As Hugging Face and GitHub send to the machines that hold the content."""
    with serving(Origin(CONTENT)) as url:
        download(Origin(b"", moved_to=f"{url}file"), folder)
    assert (folder / "a.onnx").read_bytes() == CONTENT


def test_a_file_that_moves_in_a_circle_is_refused(folder: Path) -> None:
    assert "302" in refused(Origin(b"", moved_to="/file"), folder)


def test_a_file_that_moves_to_the_disk_is_refused(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    assert "redirection" in refused(Origin(b"", moved_to=secret.as_uri()), folder).lower()


def test_the_next_origin_is_asked_where_the_first_one_fails(folder: Path) -> None:
    with serving(Origin(b"other")) as wrong, serving(Origin(CONTENT)) as right:
        download_files("sface", [published(f"{wrong}file", f"{right}file")], folder, PATIENCE)
    assert (folder / "a.onnx").read_bytes() == CONTENT


def test_the_causes_of_all_origins_are_told(folder: Path) -> None:
    with serving(Origin(b"other")) as one, serving(Origin(CONTENT, path="/gone")) as other:
        file = published(f"{one}file", f"{other}file")
        with pytest.raises(ModelUnavailable) as error:
            download_files("sface", [file], folder, PATIENCE)
    cause = str(error.value.values["cause"])
    assert "SHA-256" in cause
    assert "404" in cause


def test_a_server_that_is_not_there_is_refused(folder: Path) -> None:
    with serving(Origin(CONTENT)) as url:
        pass
    with pytest.raises(ModelUnavailable) as error:
        download_files("sface", [published(f"{url}file")], folder, PATIENCE)
    assert str(error.value.values["cause"]).endswith("Connection refused")


def test_the_proxy_of_the_environment_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Origin(CONTENT)
    with serving(proxy) as address:
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.delenv("no_proxy", raising=False)
        download_files("sface", [published("http://models.invalid/file")], folder, PATIENCE)
    assert [path for path, _ in proxy.asked] == ["http://models.invalid/file"]


def test_a_disk_that_takes_no_more_is_told_and_left_clean(folder: Path) -> None:
    with _files_of_at_most(len(CONTENT) // 2):
        cause = refused(Origin(CONTENT), folder)
    assert cause.endswith("File too large")


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """Writing past `size` fails, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with serving(Origin(CONTENT)) as url, pytest.raises(ModelUnavailable):
        download_files("sface", [published(f"{url}file")], tmp_path / "file" / "sface", PATIENCE)


def test_processes_that_download_at_once_all_have_the_file(folder: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    with serving(Origin(CONTENT)) as url, ProcessPoolExecutor(2, mp_context=spawn) as processes:
        file = published(f"{url}file")
        calls = [processes.submit(download_files, "sface", [file], folder) for _ in range(2)]
        for call in calls:
            call.result()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a.onnx": CONTENT}
