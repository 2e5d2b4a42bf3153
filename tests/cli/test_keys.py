"""`face keys`: look at keys, rotate them, put them under another master key."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from service.domain.errors import MasterKeyInvalid
from tests.cli.face import MASTER_KEY, Face, call
from tests.vault.wrappers import kms_server, new_kms_key, use_kms

OTHER_KEY = base64.b64encode(bytes([1]) * 32).decode()


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """For commands of this process."""
    monkeypatch.setenv("FACE_DATABASE_URL", database_url)
    monkeypatch.setenv("FACE_MASTER_KEY", MASTER_KEY)
    call("subjects", "list")  # makes the default collection


@pytest.fixture
def new_key(tmp_path: Path) -> Path:
    path = tmp_path / "new.key"
    path.write_text(OTHER_KEY)
    path.chmod(0o600)
    return path


def test_status_tells_each_collections_keys() -> None:
    outcome = call("keys", "status", "--lang=en")
    assert outcome.status == 0
    assert outcome.out.splitlines()[0].split()[:2] == ["collection", "templates"]
    assert outcome.out.splitlines()[1].split()[:2] == ["default", "0"]
    assert outcome.out.rstrip().endswith("yes")


def test_rotation_is_another_key(bare_gallery: Face) -> None:
    before = call("keys", "status").out
    outcome = bare_gallery("keys", "rotate", "--lang", "en")
    assert (outcome.status, outcome.out) == (0, "")
    assert "default: 0 rows moved to the new key " in outcome.err
    active = outcome.err.split("new key ")[1].split(",")[0]
    assert active not in before
    assert active in call("keys", "status").out


def test_unknown_collection_cannot_be_rotated(bare_gallery: Face) -> None:
    outcome = bare_gallery("keys", "rotate", "--collection", "nowhere")
    assert outcome.status == 3
    assert "[collection_not_found]" in outcome.err


def test_new_master_key_opens_and_the_old_one_no_longer(
    monkeypatch: pytest.MonkeyPatch, new_key: Path
) -> None:
    outcome = call("keys", "rewrap", "--new-key-file", new_key, "--lang", "en")
    assert outcome.status == 0
    assert "1 collections" in outcome.err
    assert call("keys", "status").status == 3
    with pytest.raises(MasterKeyInvalid):
        call("subjects", "list")
    monkeypatch.setenv("FACE_MASTER_KEY", OTHER_KEY)
    assert call("keys", "status").status == 0
    assert call("subjects", "list").status == 0
    assert call("audit", "verify").status == 0


def test_master_key_may_move_into_a_kms(monkeypatch: pytest.MonkeyPatch) -> None:
    with kms_server() as endpoint:
        use_kms(monkeypatch, endpoint)
        arn = new_kms_key()
        assert call("keys", "rewrap", "--new-kms", arn).status == 0
        monkeypatch.delenv("FACE_MASTER_KEY")
        monkeypatch.setenv("FACE_MASTER_KEY_KMS", arn)
        assert call("keys", "status").status == 0
        assert call("keys", "rotate").status == 0
        assert call("subjects", "list").status == 0
        assert call("audit", "verify").status == 0


@pytest.mark.parametrize("both", [True, False])
def test_one_new_master_key_must_be_named(new_key: Path, both: bool) -> None:
    named = ("--new-key-file", new_key, "--new-kms", "alias/face") if both else ()
    assert call("keys", "rewrap", *named).status == 2


def test_new_master_key_that_is_none_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "no.key").write_text("too short")
    with pytest.raises(MasterKeyInvalid):
        call("keys", "rewrap", "--new-key-file", tmp_path / "no.key")
    assert call("keys", "status").status == 0
