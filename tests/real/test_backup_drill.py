"""The drill: back up, lose the machine, restore on an empty one. Every decision is the same."""

from __future__ import annotations

import atexit
import base64
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

from service.domain.callers import LOCAL_USER, Scope
from service.domain.errors import BackupDamaged, MasterKeyInvalid, MasterKeyMissing
from service.domain.face import Uploads
from service.usecases.backup import BackupStep, Restored
from service.usecases.enrollment import EnrollRequest
from service.usecases.identify import SearchRequest
from service.usecases.verify import VerifyRequest
from service.vault.archive import SealedArchives
from service.vault.master_key import MasterKey
from service.vault.vault import Vault
from service.wiring import Wiring
from tests.real.conftest import MASTER_KEY, settings

People = dict[str, list[Path]]

OTHER_KEY = base64.b64encode(bytes(32)).decode()

TABLE = b"CREATE TABLE public.subjects"
"""What PostgreSQL's dumps say without compressing it."""


def subject(name: str) -> str:
    """Too long to turn up in sealed bytes by chance."""
    return f"subject-{name}-0123456789"


def unwatched(step: BackupStep, size: int) -> None:
    pass


@pytest.fixture(scope="module")
def enrolled(service: Wiring, people: People) -> Wiring:
    for name, photographs in people.items():
        service.enroll(
            EnrollRequest(
                subject(name),
                _photographs(photographs[:3]),
                "default",
                LOCAL_USER,
                metadata={"note": subject(name)},
            )
        )
    service.api_keys.create("till", [Scope.VERIFY])
    return service


@pytest.fixture(scope="module")
def backup(enrolled: Wiring, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backups") / "monday.face"
    enrolled.backup(path, unwatched)
    return path


@pytest.fixture(scope="module")
def machine(model_root: Path) -> Wiring:
    """Another one, with an embedded database that was never started, and the master key.

    Its folder goes when this process ends, after the database, which stops then.
    """
    folder = tempfile.mkdtemp(prefix="face-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Wiring(settings(Path(folder) / "data", MASTER_KEY, model_root))


@pytest.fixture(scope="module")
def restored(machine: Wiring, backup: Path) -> Restored:
    return machine.restore(backup, unwatched)


def decisions(service: Wiring, people: People) -> str:
    """Everything that is answered about photographs that were not enrolled, to the last bit."""
    answers: list[object] = []
    for name, other in pairwise([*people, next(iter(people))]):
        probe = _photographs(people[name][3:4])
        answers += [
            service.verify(VerifyRequest(subject(who), probe, "default", LOCAL_USER))
            for who in (name, other)
        ]
        answers.append(
            service.identify(SearchRequest(probe, "default", LOCAL_USER, "aggressive", 10))
        )
        answers.append(service.subjects.show(subject(name), "default"))
    return repr(answers)


def test_every_decision_is_byte_identical(
    enrolled: Wiring, machine: Wiring, restored: Restored, people: People
) -> None:
    before = decisions(enrolled, people)
    assert before.count("match=True") >= len(people)
    assert decisions(machine, people) == before


def test_restore_opens_keys_and_templates_to_prove_that_it_worked(
    restored: Restored, people: People
) -> None:
    assert restored.collections == 1
    assert restored.templates == len(people)
    assert restored.manifest.contents.rows["subjects"] == len(people)


def test_keys_of_callers_and_audit_are_back(
    enrolled: Wiring, machine: Wiring, restored: Restored
) -> None:
    assert machine.api_keys.all() == enrolled.api_keys.all()
    assert restored.manifest.contents.rows["audit"] > 0


def test_backup_holds_no_secret_and_no_name(backup: Path, people: People) -> None:
    content, key = backup.read_bytes(), base64.b64decode(MASTER_KEY)
    names = (subject(name).encode() for name in people)
    assert [each for each in (key, MASTER_KEY.encode(), TABLE, *names) if each in content] == []


def test_what_is_sealed_in_it_would_be_found_in_the_open(backup: Path) -> None:
    archives = SealedArchives(Vault(MasterKey(base64.b64decode(MASTER_KEY))))
    assert TABLE in b"".join(archives.open(backup).dump())


def test_wrong_master_key_changes_nothing(backup: Path, model_root: Path, tmp_path: Path) -> None:
    with pytest.raises(MasterKeyInvalid):
        Wiring(settings(tmp_path / "data", OTHER_KEY, model_root)).restore(backup, unwatched)
    assert not (tmp_path / "data").exists()


def test_no_master_key_changes_nothing(backup: Path, model_root: Path, tmp_path: Path) -> None:
    with pytest.raises(MasterKeyMissing):
        Wiring(settings(tmp_path / "data", None, model_root)).restore(backup, unwatched)
    assert not (tmp_path / "data").exists()


def test_damaged_backup_changes_nothing(backup: Path, model_root: Path, tmp_path: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[-1] ^= 1
    damaged = tmp_path / "damaged.face"
    damaged.write_bytes(content)
    with pytest.raises(BackupDamaged):
        Wiring(settings(tmp_path / "data", MASTER_KEY, model_root)).restore(damaged, unwatched)
    assert not (tmp_path / "data").exists()


def _photographs(paths: list[Path]) -> Uploads:
    return Uploads([path.read_bytes() for path in paths])
