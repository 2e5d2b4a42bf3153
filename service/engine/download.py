"""Models are downloaded on first use: whole and as published, or not at all.

Nothing is sent but the request for the file, through the proxy of the environment where there is one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import URLError

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from service.domain.errors import ModelUnavailable

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
"""Longest wait for a connection, and for the next bytes after it."""

LONGEST_SECONDS = 3600.0
"""Longest download: the largest pack, 0.3 GB, at 80 kB/s."""

MAX_PACK_BYTES = 2 * 1024**3
"""Size, packed and unpacked, above which an archive is refused; buffalo_l, the largest, has 0.35 GB."""

_CHUNK_BYTES = 1024 * 1024


class NotAsPublished(Exception):
    """What came is not what was asked for."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """`size`: bytes. `sha256`: hex. `urls`: where it is published, tried in this order."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for the next bytes, and for the whole file."""

    silence: float = TIMEOUT_SECONDS
    whole: float = LONGEST_SECONDS


def download_files(
    model: str, files: Sequence[PublishedFile], folder: Path, patience: Patience = Patience()
) -> None:
    """Put those of `files` into `folder` that it lacks, each in one rename.

    An interrupted download leaves no half of a file; of several processes at once each writes the
    same. Raises `ModelUnavailable`.
    """
    for file in files:
        if not (folder / file.name).exists():
            _download_file(model, file, folder, patience)


def download_pack(name: str, folder: Path, base_url: str, patience: Patience = Patience()) -> None:
    """Make `folder` with the models of the archive `<base_url><name>.zip`.

    It appears in one rename: an interrupted download leaves no half of it, and of several
    processes at once the first wins. Raises `ModelUnavailable`.
    """
    url = f"{base_url}{name}.zip"
    logger.info("Downloading %s", url)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as workshop:
            _build(url, Path(workshop), folder, patience)
    except (OSError, HTTPException, zipfile.BadZipFile, NotAsPublished) as error:
        cause = f"the download from {url} failed: {_in_words(error)}"
        raise ModelUnavailable(model=name, path=folder, cause=cause) from error


def _download_file(model: str, file: PublishedFile, folder: Path, patience: Patience) -> None:
    """From the first of its origins that has it as it was published."""
    causes: list[str] = []
    for url in file.urls:
        logger.info("Downloading %s", url)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{model}-", dir=folder) as workshop:
                draft = Path(workshop) / file.name
                _receive(url, draft, file.size, patience)
                require_published(draft, file)
                draft.replace(folder / file.name)
            return
        except (OSError, HTTPException, NotAsPublished) as error:
            causes.append(f"the download from {url} failed: {_in_words(error)}")
    raise ModelUnavailable(model=model, path=folder, cause="; ".join(causes))


def _receive(url: str, target: Path, most_bytes: int, patience: Patience) -> None:
    """Write what `url` answers, on the disk when this returns; refused as soon as it is too much."""
    ends = time.monotonic() + patience.whole
    received = 0
    # An opener of its own: urlopen's looks for a proxy once in a process.
    opener = urllib.request.build_opener()
    with opener.open(url, timeout=patience.silence) as response, target.open("wb") as file:
        announced = response.length or 0
        _require_size(announced, most_bytes)
        with _progress(target.name, announced or None) as advance:
            # read() waits for all of a piece: bytes that drip would hold it for ever.
            while piece := response.read1(_CHUNK_BYTES):
                received += len(piece)
                _require_size(received, most_bytes)
                if time.monotonic() > ends:
                    raise NotAsPublished("it took too long")
                file.write(piece)
                advance(len(piece))
        file.flush()
        os.fsync(file.fileno())
    if received < announced:
        raise NotAsPublished("it ended before it was complete")


def _require_size(size: int, most: int) -> None:
    if size > most:
        raise NotAsPublished(f"it is larger than {most} bytes")


def require_published(path: Path, file: PublishedFile) -> None:
    """Raises `NotAsPublished`, `OSError`."""
    if sha256_of(path) != file.sha256:
        raise NotAsPublished(f"its SHA-256 is not {file.sha256}")


@contextmanager
def _progress(name: str, size: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while it is a terminal. `size`: bytes; None: unknown."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(name, total=size)
        yield lambda count: progress.advance(task, count)


def _build(url: str, workshop: Path, folder: Path, patience: Patience) -> None:
    archive, models = workshop / "pack.zip", workshop / "models"
    _receive(url, archive, MAX_PACK_BYTES, patience)
    models.mkdir()
    _unpack(archive, models)
    try:
        models.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _unpack(archive: Path, models: Path) -> None:
    """Only models, and all of them at the top: some archives have a folder of their own inside.

    Reading a member to its end checks its CRC.
    """
    with zipfile.ZipFile(archive) as zipped:
        members = zipped.infolist()
        if sum(member.file_size for member in members) > MAX_PACK_BYTES:
            raise NotAsPublished("it is larger than any known pack")
        for member in members:
            target = models / _model_name(member)
            if target.suffix == ".onnx":
                with zipped.open(member) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file, _CHUNK_BYTES)
    if not any(models.iterdir()):
        raise NotAsPublished("it holds no ONNX model")


def _model_name(member: zipfile.ZipInfo) -> str:
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts or set(member.filename) & set("\\:"):
        raise NotAsPublished("it names files outside its own folder")
    return path.name


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the server stopped answering"
    if isinstance(error, zipfile.BadZipFile):
        return "what came is not a whole zip archive"
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        return _in_words(error.reason)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
