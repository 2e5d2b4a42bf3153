"""A backup's file opens with the master key that it was made under, whole, or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.domain.errors import BackupDamaged, MasterKeyInvalid
from service.vault.archive import PIECE_BYTES, Contents, Manifest, SealedArchives
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey
from service.vault.vault import Vault

MASTER = MasterKey(b"\x01" * KEY_BYTES)
CONTENTS = Contents("0001", "18.4", "0.8.5", ("mobile_s@sha256:0",), ("face",), {"subjects": 3})
MANIFEST = Manifest(datetime(2026, 1, 2, tzinfo=UTC), "1.0.0", CONTENTS)
SECRET = b"subject kim-minji"


@pytest.fixture
def archives() -> SealedArchives:
    return SealedArchives(Vault(MASTER))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "backup.face"


def content_of(archives: SealedArchives, path: Path) -> bytes:
    return b"".join(archives.open(path).dump())


def test_what_went_in_comes_out(archives: SealedArchives, path: Path) -> None:
    archives.write(path, MANIFEST, [b"first ", b"second"])
    archive = archives.open(path)
    assert archive.manifest == MANIFEST
    assert b"".join(archive.dump()) == b"first second"
    assert b"".join(archive.dump()) == b"first second", "and again"


@pytest.mark.parametrize("size", [0, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 1])
def test_any_size_will_do(archives: SealedArchives, path: Path, size: int) -> None:
    content = os.urandom(size)
    archives.write(path, MANIFEST, [content[:7], content[7:]])
    assert content_of(archives, path) == content


def test_file_is_for_its_owner_only(archives: SealedArchives, path: Path) -> None:
    archives.write(path, MANIFEST, [SECRET])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_tells_nobody_what_is_in_it(archives: SealedArchives, path: Path) -> None:
    archives.write(path, MANIFEST, [SECRET])
    content = path.read_bytes()
    assert SECRET not in content
    assert MASTER.secret not in content


def test_other_master_key_is_told_from_damage(archives: SealedArchives, path: Path) -> None:
    archives.write(path, MANIFEST, [SECRET])
    with pytest.raises(MasterKeyInvalid):
        SealedArchives(Vault(MasterKey(bytes(KEY_BYTES)))).open(path)


def test_no_byte_can_be_changed(archives: SealedArchives, path: Path) -> None:
    archives.write(path, MANIFEST, [SECRET])
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BackupDamaged):
            content_of(archives, path)


def test_nothing_can_be_cut_off(archives: SealedArchives, path: Path) -> None:
    archives.write(path, MANIFEST, [SECRET])
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BackupDamaged):
            content_of(archives, path)


def test_nothing_can_be_added(archives: SealedArchives, path: Path) -> None:
    archives.write(path, MANIFEST, [SECRET])
    with path.open("ab") as file:
        file.write(bytes(4))
    with pytest.raises(BackupDamaged):
        content_of(archives, path)


@pytest.mark.parametrize(
    "order", [(0, 1), (1, 0, 2), (0, 0, 1, 2), (0, 2)], ids=["cut", "moved", "twice", "left out"]
)
def test_whole_pieces_stay_where_they_are(
    archives: SealedArchives, path: Path, order: tuple[int, ...]
) -> None:
    archives.write(path, MANIFEST, [bytes(2 * PIECE_BYTES + 1)])
    header, pieces = _taken_apart(path.read_bytes())
    path.write_bytes(header + b"".join(pieces[number] for number in order))
    with pytest.raises(BackupDamaged):
        content_of(archives, path)


def test_pieces_of_another_backup_do_not_fit(
    archives: SealedArchives, path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.face"
    for each in (path, other):
        archives.write(each, MANIFEST, [SECRET])
    header, _ = _taken_apart(path.read_bytes())
    _, pieces = _taken_apart(other.read_bytes())
    path.write_bytes(header + b"".join(pieces))
    with pytest.raises(BackupDamaged):
        content_of(archives, path)


@pytest.mark.parametrize(
    "content",
    [b"", b"PGDMP", b"face-backup 1\n{}\n\n", os.urandom(999)],
    ids=["empty", "bare dump", "no manifest", "noise"],
)
def test_other_files_are_no_backups(archives: SealedArchives, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BackupDamaged):
        archives.open(path)


def test_existing_file_is_kept(archives: SealedArchives, path: Path) -> None:
    path.write_text("the only copy")
    with pytest.raises(FileExistsError):
        archives.write(path, MANIFEST, [SECRET])
    assert path.read_text() == "the only copy"


def test_interrupted_backup_leaves_no_file(archives: SealedArchives, path: Path) -> None:
    def interrupted() -> Iterator[bytes]:
        yield SECRET
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archives.write(path, MANIFEST, interrupted())
    assert not list(path.parent.iterdir())


def _taken_apart(whole: bytes) -> tuple[bytes, list[bytes]]:
    """The three lines of the header, and the pieces with their lengths."""
    header = b"".join(line + b"\n" for line in whole.split(b"\n", 3)[:3])
    rest, pieces = whole[len(header) :], []
    while rest:
        end = 4 + int.from_bytes(rest[:4], "big")
        pieces.append(rest[:end])
        rest = rest[end:]
    return header, pieces
