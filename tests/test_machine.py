"""What the machine lets a process have, by the files in which the kernel says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from service.domain.capacity import CpuUse
from service.machine import (
    available_memory,
    cores,
    cpu_quota,
    cpu_use,
    memory_limit,
    multiplies_bytes,
    own_memory,
    share_of_cores,
)

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's files")

GIBIBYTE = 1 << 30
CGROUPS = Path("/sys/fs/cgroup")
CHECKOUT = Path(__file__).parents[1]

V2 = {"proc/self/cgroup": "0::/system.slice/face.service\n"}
V1 = {"proc/self/cgroup": "5:memory:/docker/1f\n4:cpu,cpuacct:/docker/1f\n0::/\n"}
V2_SERVICE, V2_SLICE = "sys/fs/cgroup/system.slice/face.service", "sys/fs/cgroup/system.slice"


def laid_out(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({**V2, f"{V2_SERVICE}/cpu.max": "max 100000\n"}, None),
        ({**V2, f"{V2_SERVICE}/cpu.max": "150000 100000\n"}, 1.5),
        ({**V2, f"{V2_SERVICE}/cpu.max": "400000 100000", f"{V2_SLICE}/cpu.max": "50000 100000"}, 0.5),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000"}, 2.0),
        (
            {
                **V1,
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            2.5,
        ),
        (
            {
                **V1,
                "sys/fs/cgroup/cpu/docker/1f/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/docker/1f/cpu.cfs_period_us": "100000",
            },
            None,
        ),
    ],
)  # fmt: skip
def test_quota_is_that_of_the_narrowest_group(
    tmp_path: Path, files: Mapping[str, str], quota: float | None
) -> None:
    assert cpu_quota(laid_out(tmp_path, files)) == quota


@linux_only
def test_cores_are_those_of_the_affinity_and_of_the_quota(tmp_path: Path) -> None:
    here = os.sched_getaffinity(0)
    assert cores(tmp_path) == len(here)
    laid_out(tmp_path, {**V2, f"{V2_SERVICE}/cpu.max": "50000 100000"})
    assert cores(tmp_path) == 1
    laid_out(tmp_path, {f"{V2_SERVICE}/cpu.max": "100000000 100000"})
    assert cores(tmp_path) == len(here)
    try:
        os.sched_setaffinity(0, [min(here)])
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, here)


def test_each_of_several_processes_has_its_share_of_the_cores() -> None:
    assert share_of_cores(1) == cores()
    assert share_of_cores(2) == max(1, cores() // 2)
    assert share_of_cores(10 * cores()) == 1


@pytest.mark.parametrize(
    ("files", "limit", "left"),
    [
        (
            {
                **V2,
                f"{V2_SERVICE}/memory.max": f"{GIBIBYTE}",
                f"{V2_SERVICE}/memory.high": "max",
                f"{V2_SERVICE}/memory.current": f"{GIBIBYTE // 2}",
                f"{V2_SERVICE}/memory.stat": f"anon 5\ninactive_file {GIBIBYTE // 4}\n",
            },
            GIBIBYTE,
            3 * GIBIBYTE // 4,
        ),
        (
            {
                **V2,
                f"{V2_SERVICE}/memory.max": "max",
                f"{V2_SLICE}/memory.max": f"{GIBIBYTE}",
                f"{V2_SLICE}/memory.high": f"{GIBIBYTE // 2}",
                f"{V2_SLICE}/memory.current": f"{GIBIBYTE}",
            },
            GIBIBYTE // 2,
            0,
        ),
        (
            {
                **V1,
                "sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIBIBYTE}",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIBIBYTE // 4}",
                "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
            },
            GIBIBYTE,
            3 * GIBIBYTE // 4,
        ),
    ],
)
def test_memory_is_what_the_narrowest_group_leaves(
    tmp_path: Path, files: Mapping[str, str], limit: int, left: int
) -> None:
    root = laid_out(tmp_path, files)
    assert memory_limit(root) == limit
    assert available_memory(root) == left


def test_without_a_limit_memory_is_the_machines(tmp_path: Path) -> None:
    assert memory_limit(tmp_path) == psutil.virtual_memory().total
    assert 0 < available_memory(tmp_path) <= psutil.virtual_memory().total


@linux_only
def test_where_the_machines_memory_is_hidden_all_of_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = psutil.virtual_memory().total
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert memory_limit(tmp_path) == available_memory(tmp_path) == pytest.approx(total, rel=0.01)


def test_where_the_system_does_not_tell_files_apart_own_memory_is_what_is_resident(
    tmp_path: Path,
) -> None:
    of_gvisor = {"proc/self/status": "Name:\tface\nVmRSS:\t204800 kB\nThreads:\t9\n"}
    now, most = own_memory(laid_out(tmp_path, of_gvisor))
    assert now == most > 1 << 20


def test_own_memory_is_the_most_that_was_held() -> None:
    looks = """
from service.machine import own_memory
_, before = own_memory()
held = bytearray(b"x") * (64 << 20)
held = None
now, most = own_memory()
print(most - before, now < most - (50 << 20))
"""
    told = subprocess.run(
        [sys.executable, "-c", looks], cwd=CHECKOUT, capture_output=True, text=True
    )
    if sys.platform == "linux":
        grown, is_less_now = told.stdout.split()
        assert 60 << 20 < int(grown) < 70 << 20, told.stderr
        assert is_less_now == "True"


def test_cpu_use_is_read_from_threads_machine_and_group(tmp_path: Path) -> None:
    files = {
        **V2,
        "proc/self/task/1/schedstat": "3000000000 1000000000 7\n",
        "proc/self/task/2/schedstat": "1000000000 500000000 7\n",
        "proc/self/task/3/schedstat": "",  # has ended
        "proc/stat": "cpu  100 0 100 700 0 0 0 100 9 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n",
        f"{V2_SERVICE}/cpu.stat": "usage_usec 5\nnr_periods 100\nnr_throttled 40\n",
        f"{V2_SLICE}/cpu.stat": "nr_periods 200\nnr_throttled 10\n",
    }
    tick = os.sysconf("SC_CLK_TCK")
    use = cpu_use(laid_out(tmp_path, files))
    assert use is not None
    assert use == CpuUse(use.at, 4.0, 1.5, 100 / tick, 1000 / tick, 100, 40)


def test_where_the_system_does_not_tell_nothing_is_said(tmp_path: Path) -> None:
    assert cpu_use(tmp_path) is None


@linux_only
def test_this_machine_tells() -> None:
    use = cpu_use()
    assert use is not None
    assert use.ran > 0
    assert use.passed > use.stolen >= 0


@pytest.fixture
def group() -> Iterator[tuple[Path, Path]]:
    """Folders of a new control group, of which one takes a limit of memory and one of time."""
    name = f"face-test-{uuid4().hex}"
    is_v2 = (CGROUPS / "cgroup.controllers").exists()
    parents = [CGROUPS, CGROUPS] if is_v2 else [CGROUPS / "memory", CGROUPS / "cpu"]
    folders = [parent / name for parent in parents]
    try:
        for folder in folders:
            folder.mkdir(exist_ok=True)
    except OSError:
        pytest.skip("no control group can be made here")
    try:
        yield folders[0], folders[1]
    finally:
        for folder in {*folders}:
            folder.rmdir()


def limited(memory: Path, cpu: Path) -> None:
    try:
        if (memory / "memory.limit_in_bytes").exists():
            (memory / "memory.limit_in_bytes").write_text(str(GIBIBYTE))
            (cpu / "cpu.cfs_quota_us").write_text("100000")
        else:
            (memory / "memory.max").write_text(str(GIBIBYTE))
            (cpu / "cpu.max").write_text("100000 100000")
    except OSError:
        pytest.skip("no control group can be limited here")


def test_limits_of_a_real_control_group_hold(group: tuple[Path, Path]) -> None:
    limited(*group)
    joins = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in {*group})
    looks = "from service.machine import *; print(cores(), memory_limit(), available_memory())"
    run = subprocess.run(
        ["sh", "-c", f'{joins}; exec "$@"', "sh", sys.executable, "-c", looks],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    told = [int(word) for word in run.stdout.split()]
    assert told[:2] == [1, GIBIBYTE], run.stderr
    assert GIBIBYTE // 2 < told[2] < GIBIBYTE


WORKS = """
import time
from service.usecases.capacity import CheckCapacity
check = CheckCapacity(1, 0, lambda: 0)
begun = time.process_time()
while time.process_time() - begun < 0.3:
    pass
shortfall = check.cpu_shortfall()
print(shortfall and shortfall.code)
"""
"""Has work for 0.3 s of a core, and tells what it waited for."""


def told_by(command: list[str]) -> str:
    run = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert not run.returncode, run.stderr
    return run.stdout.strip()


@linux_only
def test_process_whose_core_others_keep_busy_tells_it() -> None:
    core = min(os.sched_getaffinity(0))
    pinned = f"import os; os.sched_setaffinity(0, [{core}])\n"
    neighbors = [
        subprocess.Popen([sys.executable, "-c", f"{pinned}while True: pass"]) for _ in range(2)
    ]
    try:
        assert told_by([sys.executable, "-c", pinned + WORKS]) == "busy_neighbor"
    finally:
        for neighbor in neighbors:
            neighbor.kill()
            neighbor.wait()


def test_process_that_a_quota_holds_back_tells_it(group: tuple[Path, Path]) -> None:
    _, cpu = group
    try:
        if (cpu / "cpu.cfs_quota_us").exists():
            (cpu / "cpu.cfs_quota_us").write_text("10000")
        else:
            (cpu / "cpu.max").write_text("10000 100000")
    except OSError:
        pytest.skip("no control group can be limited here")
    joins = f'echo $$ > {cpu}/cgroup.procs; exec "$@"'
    assert told_by(["sh", "-c", joins, "sh", sys.executable, "-c", WORKS]) == "cpu_limit_reached"


@pytest.mark.parametrize(
    ("cpuinfo", "can"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse avx2 avx512f avx512_vnni\n", True),
        ("processor\t: 0\nflags\t\t: fpu sse avx2 avx_vnni\n", True),
        ("processor\t: 0\nflags\t\t: fpu sse avx2 avx512f\n", False),
        ("processor\t: 0\nFeatures\t: fp asimd asimddp\n", True),
        ("processor\t: 0\nFeatures\t: fp asimd\n", False),
        ("processor\t: 0\n", None),
    ],
)
def test_what_multiplies_bytes_is_read_from_the_processors_instructions(
    tmp_path: Path, cpuinfo: str, can: bool | None
) -> None:
    assert multiplies_bytes(laid_out(tmp_path, {"proc/cpuinfo": cpuinfo})) is can


def test_where_no_instructions_are_told_nothing_is_said_of_bytes(tmp_path: Path) -> None:
    assert multiplies_bytes(tmp_path) is None
