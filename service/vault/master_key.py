"""The master key wraps all other keys: where it is read from, and how a new one is made.

It lies in a file or a setting (`MasterKey`), or stays in a key service (`aws_kms.py`). The keys
beneath stay what they are where they are wrapped under another one (`RewrapKeys`).
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

from service.domain.causes import Cause
from service.domain.collection import CollectionKeys, SealContext, WrappedKey
from service.domain.errors import MasterKeyInvalid, MasterKeyMissing
from service.vault.cipher import KEY_BYTES, AuthenticationFailed, Cipher

_SECRETS_OF_A_CONTAINER = Path("/run/secrets")

_logger = logging.getLogger(__name__)


class Use(StrEnum):
    """What a wrapped key is for. Part of what it is bound to, so these words never change."""

    DATA = "data-key"
    PSEUDONYMS = "name-key"


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Which key of which collection: one that was wrapped for another place does not open."""

    collection_id: UUID
    key_id: UUID
    use: Use


class KeyWrapper(Protocol):
    """A master key. Every implementation authenticates: what opens is what was wrapped, here."""

    def wrap(self, secret: bytes, place: KeyPlace) -> bytes:
        """Raises `KeyServiceUnavailable`."""
        ...

    def unwrap(self, wrapped: bytes, place: KeyPlace) -> bytes:
        """Raises `MasterKeyInvalid` where it was wrapped under another master key or for another
        place, `KeyServiceUnavailable`.
        """
        ...


class MasterKey:
    """32 secret bytes: implements `KeyWrapper` by AES-256-GCM. Prints as `MasterKey(***)`.

    Raises `MasterKeyInvalid` for another length.
    """

    __slots__ = ("secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise MasterKeyInvalid
        self.secret = secret

    @classmethod
    def from_base64(cls, text: str, source: str) -> MasterKey:
        """`source`: where the text is from, for the operator. Raises `MasterKeyInvalid`."""
        if not text.strip():
            raise MasterKeyInvalid().because(Cause.KEY_EMPTY, source=source)
        try:
            secret = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise MasterKeyInvalid().because(Cause.KEY_MALFORMED, source=source) from None
        if len(secret) != KEY_BYTES:
            wrong = MasterKeyInvalid()
            raise wrong.because(Cause.KEY_OF_WRONG_LENGTH, source=source, size=len(secret))
        return cls(secret)

    def wrap(self, secret: bytes, place: KeyPlace) -> bytes:
        return self._cipher(place).seal(secret, _context(place))

    def unwrap(self, wrapped: bytes, place: KeyPlace) -> bytes:
        """Raises `MasterKeyInvalid`."""
        try:
            return self._cipher(place).open(wrapped, _context(place))
        except AuthenticationFailed:
            raise MasterKeyInvalid().because(Cause.KEY_OF_ANOTHER_DATABASE) from None

    def _cipher(self, place: KeyPlace) -> Cipher:
        return Cipher(self.secret, place.key_id, place.collection_id)

    def __repr__(self) -> str:
        return "MasterKey(***)"


def _context(place: KeyPlace) -> SealContext:
    return SealContext(subject_id="", purpose=place.use, record="")


def read_key_file(path: Path) -> MasterKey:
    """Raises `MasterKeyMissing` where there is no such file, `MasterKeyInvalid` for its content."""
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        raise MasterKeyMissing().because(Cause.KEY_FILE_MISSING, path=path) from None
    except OSError as error:
        unreadable = MasterKeyInvalid()
        unreadable.because(Cause.KEY_FILE_UNREADABLE, path=path, reason=error.strerror)
        raise unreadable from None
    except UnicodeDecodeError:
        raise MasterKeyInvalid().because(Cause.KEY_MALFORMED, source=path) from None
    _warn_of_other_readers(path)
    return MasterKey.from_base64(text, str(path))


def create_key_file(path: Path) -> MasterKey:
    """The key in `path`, made first if there is none; an existing file is never overwritten.

    Of several processes at once one makes the key and all read the same.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _place(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n", path)
    return read_key_file(path)


def _place(content: bytes, path: Path) -> None:
    """Write elsewhere, then link: the file appears whole or not at all, and only if it is new.

    On the disk before it is used: with the key, everything sealed under it would be lost.
    """
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(draft)
        _sync_folder(path.parent)
    except FileExistsError:
        _logger.info("another process made the master key file first; using that one")
    finally:
        Path(draft).unlink()


def _sync_folder(folder: Path) -> None:
    """The name reaches the disk as well as the content; Windows does that by itself."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _warn_of_other_readers(path: Path) -> None:
    """A warning, not a refusal: there are machines with one user. None for the secrets of a
    container, which has no other users, and where they are mounted with mode 0444.
    """
    if path.parent == _SECRETS_OF_A_CONTAINER:
        return
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        _logger.warning("the master key file can be read by other users of this machine: %s", path)


class RewrapKeys:
    """Wraps a collection's keys, as wrapped under one master key, under another one."""

    def __init__(self, old: KeyWrapper, new: KeyWrapper) -> None:
        self._old = old
        self._new = new

    def __call__(self, collection_id: UUID, keys: CollectionKeys) -> CollectionKeys:
        """The same keys, wrapped under the new master key, and opened with it as a proof.

        Raises `MasterKeyInvalid` where the old one does not open them, `KeyServiceUnavailable`.
        """
        active = self._rewrapped(collection_id, keys.active, Use.DATA)
        pseudonyms = active
        if keys.pseudonyms != keys.active:  # the audit log's key stands in both places
            pseudonyms = self._rewrapped(collection_id, keys.pseudonyms, Use.PSEUDONYMS)
        retiring = keys.retiring and self._rewrapped(collection_id, keys.retiring, Use.DATA)
        return replace(keys, active=active, pseudonyms=pseudonyms, retiring=retiring)

    def _rewrapped(self, collection_id: UUID, key: WrappedKey, use: Use) -> WrappedKey:
        place = KeyPlace(collection_id, key.key_id, use)
        secret = self._old.unwrap(key.wrapped, place)
        wrapped = self._new.wrap(secret, place)
        if self._new.unwrap(wrapped, place) != secret:
            raise MasterKeyInvalid
        return WrappedKey(key.key_id, wrapped)
