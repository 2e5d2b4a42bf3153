"""InsightFace's public packs, fetched on first use: whole, or not at all."""

from __future__ import annotations

import logging
import shutil
import tempfile
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import URLError

from insightface.utils.storage import MODEL_ZOO_RELEASE_DOWNLOAD_URL

from service.domain.errors import ModelUnavailable

logger = logging.getLogger(__name__)

DOWNLOADABLE = ("buffalo_l", "buffalo_m", "buffalo_s")
"""The packs of InsightFace's release page that hold a detector and a recognizer."""

LICENCE_NOTICE = (
    "InsightFace's public model packs are for non-commercial research only; ask InsightFace for "
    "a licence before any other use, or set FACE_MODEL_NAME=dlib, whose weights are CC0."
)

TIMEOUT_SECONDS = 10.0
"""Longest wait for a connection, and for the next bytes after it; the whole may take longer."""

MAX_PACK_BYTES = 2 * 1024**3
"""Unpacked size above which an archive is refused; buffalo_l, the largest, has 0.35 GB."""

_CHUNK_BYTES = 1024 * 1024


class _BadPack(Exception):
    """What came is not a pack."""


def download_pack(
    name: str,
    folder: Path,
    base_url: str = MODEL_ZOO_RELEASE_DOWNLOAD_URL,
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """Make `folder` with the pack's models, from `<base_url><name>.zip`.

    It appears in one rename: an interrupted download leaves no half of it, and of several
    processes at once the first wins. Raises `ModelUnavailable`.
    """
    url = f"{base_url}{name}.zip"
    logger.info("Downloading %s. %s", url, LICENCE_NOTICE)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as workshop:
            _build(url, Path(workshop), folder, timeout)
    except (OSError, HTTPException, zipfile.BadZipFile, _BadPack) as error:
        cause = f"the download from {url} failed: {_in_words(error)}"
        raise ModelUnavailable(model=name, path=folder, cause=cause) from error


def _build(url: str, workshop: Path, folder: Path, timeout: float) -> None:
    archive, models = workshop / "pack.zip", workshop / "models"
    _receive(url, archive, timeout)
    models.mkdir()
    _unpack(archive, models)
    try:
        models.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _receive(url: str, archive: Path, timeout: float) -> None:
    with urllib.request.urlopen(url, timeout=timeout) as response, archive.open("wb") as file:  # noqa: S310 - the operator's URL
        shutil.copyfileobj(response, file, _CHUNK_BYTES)
        announced = response.headers.get("Content-Length")
    if announced is not None and archive.stat().st_size != int(announced):
        raise _BadPack("it ended before it was complete")


def _unpack(archive: Path, models: Path) -> None:
    """Only models, and all of them at the top: some archives have a folder of their own inside.

    Reading a member to its end checks its CRC.
    """
    with zipfile.ZipFile(archive) as zipped:
        members = zipped.infolist()
        if sum(member.file_size for member in members) > MAX_PACK_BYTES:
            raise _BadPack("it is larger than any known pack")
        for member in members:
            target = models / _model_name(member)
            if target.suffix == ".onnx":
                with zipped.open(member) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file, _CHUNK_BYTES)
    if not any(models.iterdir()):
        raise _BadPack("it holds no ONNX model")


def _model_name(member: zipfile.ZipInfo) -> str:
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts or set(member.filename) & set("\\:"):
        raise _BadPack("it names files outside its own folder")
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
