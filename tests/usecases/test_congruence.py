"""Searches from memory answer what the exact scan answers, whatever happens meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from service.domain.thresholds import ARCFACE
from service.storage.storage import Storage
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.collections import Collections
from service.vault.vault import Vault
from tests.usecases.congruence import now

ROOT = Path(__file__).resolve().parents[2]
STEPS, ROTATIONS = 80, 2


def _start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.usecases.congruence", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_random_enrolling_erasing_rotating_and_searching_by_several_processes(
    database_url: str, storage: Storage, vault: Vault
) -> None:
    audit = AuditRecorder(storage, lambda: vault, now)
    Collections(storage, vault, lambda: ARCFACE, now, audit).ensure_default()
    processes = [_start(database_url, seed, STEPS) for seed in range(3)]
    processes.append(_start(database_url, 9, ROTATIONS, "rotate"))
    told = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    compared, shortlisted = (sum(int(line.split()[place]) for line in told[:3]) for place in (0, 1))
    assert compared >= STEPS
    assert shortlisted >= compared // 2
