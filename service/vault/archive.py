"""An archive is the file of a backup, a copy of the whole database: nobody without the master key can read, alter or make one.

    face-backup 1
    {the manifest, with the wrapped key, as one line of JSON}
    SHA-256 of that line, then the same sealed under the file's key (hexadecimal)
    pieces: length (4 bytes, big-endian) and sealed bytes, up to the end

Each file has a data key of its own, wrapped by the master key as a collection's is. Each piece is
bound to its position, and the last one to being the last (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015), so that none can be changed, moved, added or cut off. The
bare SHA-256 is there to tell a damaged file from a wrong master key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from service.domain.collection import SealContext, WrappedKey
from service.domain.errors import BackupDamaged
from service.vault.cipher import AuthenticationFailed
from service.vault.vault import CollectionKey, Vault


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database held at one moment.

    `revision`: of the migrations. `postgresql`, `pgvector`: versions, as in `18.4`. `roles`: who
    was granted something there, beside the owner. `rows`: how many, by table.
    """

    revision: str
    postgresql: str
    pgvector: str
    model_ids: tuple[str, ...]
    roles: tuple[str, ...]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    made_at: datetime
    service_version: str
    contents: Contents


PIECE_BYTES = 1024 * 1024

_MAGIC = b"face-backup 1\n"
_LONGEST_LINE = 1024 * 1024
_LENGTH_BYTES = 4

_MANIFEST = SealContext("", "backup-manifest", "")

_ARCHIVES = UUID("6261636b-7570-5000-8000-000000000000")
"""Stands where a collection's id does. No collection has it: theirs are random (version 4), so a
collection's key never passes for a backup's."""


@dataclass(frozen=True, slots=True)
class SealedArchive:
    """A backup's file, its manifest proved to be genuine."""

    manifest: Manifest
    _path: Path
    _key: CollectionKey = field(repr=False)

    def dump(self) -> Iterator[bytes]:
        """What was backed up, each piece proved before it is handed out; again from the start
        each time. Raises `BackupDamaged`.
        """
        with self._path.open("rb") as file:
            _header_lines(file)
            for number, (sealed, last) in enumerate(_with_last(_lengths_removed(file))):
                yield _opened(self._key, sealed, _place(number, last=last))


class SealedArchives:
    """Backups as files, sealed under a key of their own that the master key wraps."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def write(self, path: Path, manifest: Manifest, dump: Iterable[bytes]) -> None:
        """A new file, whole or not at all. Raises `FileExistsError` and other `OSError`s."""
        wrapped = self._vault.new_key(_ARCHIVES)
        key = self._vault.unlock(_ARCHIVES, wrapped)
        with _new_file(path) as file:
            file.write(_header(_written_manifest(manifest, wrapped), key))
            for number, (piece, last) in enumerate(_with_last(_cut(dump))):
                sealed = key.seal(piece, _place(number, last=last))
                file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)

    def open(self, path: Path) -> SealedArchive:
        """Raises `BackupDamaged`, `MasterKeyInvalid`, `OSError`."""
        with path.open("rb") as file:
            line, checks = _header_lines(file)
        digest, sealed = _checks_of(checks)
        if digest != hashlib.sha256(line).digest():
            raise BackupDamaged
        manifest, wrapped = _read_manifest(line)
        key = self._vault.unlock(_ARCHIVES, wrapped)
        if _opened(key, sealed, _MANIFEST) != digest:
            raise BackupDamaged
        return SealedArchive(manifest, path, key)


def _header(line: bytes, key: CollectionKey) -> bytes:
    digest = hashlib.sha256(line).digest()
    return _MAGIC + line + f"{digest.hex()} {key.seal(digest, _MANIFEST).hex()}\n".encode()


def _header_lines(file: IO[bytes]) -> tuple[bytes, bytes]:
    """The manifest and its checks. Leaves `file` at the first piece. Raises `BackupDamaged`."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise BackupDamaged
    return file.readline(_LONGEST_LINE), file.readline(_LONGEST_LINE)


def _checks_of(line: bytes) -> tuple[bytes, bytes]:
    """The digest, and the sealed digest. One spelling of them: no byte of the file is free."""
    digest, _, sealed = line.partition(b" ")
    try:
        checks = bytes.fromhex(digest.decode()), bytes.fromhex(sealed.decode())
    except ValueError:
        raise BackupDamaged from None
    if line != f"{checks[0].hex()} {checks[1].hex()}\n".encode():
        raise BackupDamaged
    return checks


def _written_manifest(manifest: Manifest, wrapped: WrappedKey) -> bytes:
    """One line of JSON, for eyes and for `jq`."""
    contents = manifest.contents
    members = {
        "madeAt": manifest.made_at.isoformat(),
        "serviceVersion": manifest.service_version,
        "revision": contents.revision,
        "postgresql": contents.postgresql,
        "pgvector": contents.pgvector,
        "modelIds": contents.model_ids,
        "roles": contents.roles,
        "rows": dict(contents.rows),
        "keyId": str(wrapped.key_id),
        "wrappedKey": base64.b64encode(wrapped.wrapped).decode(),
    }
    return json.dumps(members).encode() + b"\n"


def _read_manifest(line: bytes) -> tuple[Manifest, WrappedKey]:
    """Raises `BackupDamaged`. What it says is not proved yet: its key must open first."""
    try:
        return _manifest_of(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupDamaged from None


def _manifest_of(members: dict[str, Any]) -> tuple[Manifest, WrappedKey]:
    contents = Contents(
        revision=members["revision"],
        postgresql=members["postgresql"],
        pgvector=members["pgvector"],
        model_ids=tuple(members["modelIds"]),
        roles=tuple(members["roles"]),
        rows=members["rows"],
    )
    made_at = datetime.fromisoformat(members["madeAt"])
    wrapped = base64.b64decode(members["wrappedKey"], validate=True)
    key = WrappedKey(UUID(members["keyId"]), wrapped)
    return Manifest(made_at, members["serviceVersion"], contents), key


def _opened(key: CollectionKey, sealed: bytes, place: SealContext) -> bytes:
    """Raises `BackupDamaged`."""
    try:
        return key.open(sealed, place)
    except AuthenticationFailed:
        raise BackupDamaged from None


def _place(number: int, *, last: bool) -> SealContext:
    return SealContext("", "backup-end" if last else "backup", str(number))


def _cut(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of `PIECE_BYTES`, the last one what is left."""
    rest = bytearray()
    for part in stream:
        rest += part
        while len(rest) >= PIECE_BYTES:
            yield bytes(rest[:PIECE_BYTES])
            del rest[:PIECE_BYTES]
    yield bytes(rest)


def _lengths_removed(file: IO[bytes]) -> Iterator[bytes]:
    while length := file.read(_LENGTH_BYTES):
        size = int.from_bytes(length, "big")
        sealed = file.read(size) if size <= 2 * PIECE_BYTES else b""
        if len(sealed) != size:
            raise BackupDamaged
        yield sealed


def _with_last(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each piece, and whether it is the last. Raises `BackupDamaged` where there is none."""
    piece = next(pieces, None)
    if piece is None:
        raise BackupDamaged
    for following in pieces:
        yield piece, False
        piece = following
    yield piece, True


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Written beside its place, mode 0600, and put there when it is whole and on the disk."""
    if path.exists():
        raise FileExistsError(None, "there is a file already; choose another name", str(path))
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(draft).rename(path)
    finally:
        Path(draft).unlink(missing_ok=True)
