"""What the machine lets this process have: cores, what they can, memory, open files, how much of a core it got.

On Linux a control group may allow less than the machine has. Its files are read as the kernel documents
them (cgroup-v2.rst; of version 1 cpusets, memory and cpu), of every group up to the root, since each
one's limit holds. `root`: where the system's files lie; another one in tests.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from service.domain.capacity import CpuUse

ROOT = Path("/")

_NO_LIMIT = 1 << 60
"""Bytes from which a limit of version 1 is none: it has no word for that, and writes the largest page."""

_NANOSECOND = 1e-9

_OF_BYTES = frozenset(("avx512_vnni", "avx_vnni", "amx_int8", "asimddp"))
"""As Linux names them."""


def cores(root: Path = ROOT) -> int:
    """Cores that this process may keep busy: those it may run on (its affinity, or `PYTHON_CPU_COUNT`), and no
    more than the time that its control groups are given.
    """
    quota = cpu_quota(root)
    return _cores_to_run_on() if quota is None else min(_cores_to_run_on(), math.ceil(quota))


def share_of_cores(processes: int) -> int:
    """Cores of each of so many processes that work side by side; at least one."""
    return max(1, cores() // processes)


def cpu_quota(root: Path = ROOT) -> float | None:
    """Cores' worth of time that the control groups are given; None: as much as there is."""
    quotas = [*_quotas_of_version_2(root), *_quotas_of_version_1(root)]
    return min(quotas, default=None)


def memory_limit(root: Path = ROOT) -> int:
    """Bytes that this process and those beside it may have: the machine's, or what a control group may."""
    limits = [limit for limit, _ in _memory_groups(root)]
    return min([_memory_of_machine()[0], *limits])


def available_memory(root: Path = ROOT) -> int:
    """Bytes that can still be had: of the machine's, and below the limits of the control groups."""
    left = [max(0, limit - used) for limit, used in _memory_groups(root)]
    return min([_memory_of_machine()[1], *left])


def multiplies_bytes(root: Path = ROOT) -> bool | None:
    """Whether one instruction multiplies bytes and adds the products: VNNI and AMX on x86, the dot product on
    Arm. None where the system does not tell: elsewhere than on Linux.
    """
    for line in _lines(root / "proc/cpuinfo"):
        name, _, instructions = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return not _OF_BYTES.isdisjoint(instructions.split())
    return None


def own_memory(root: Path = ROOT) -> tuple[int, int]:
    """Bytes that this process alone has, and has had at most: without files, such as libraries, which all
    processes share. Where the system does not tell these apart: all that is resident.
    """
    sizes = dict(line.partition(":")[::2] for line in _lines(root / "proc/self/status"))
    names = ("RssAnon", "VmHWM", "RssFile")
    if not sizes.keys() >= {*names}:  # elsewhere than on Linux, and in gVisor
        import psutil

        resident = int(psutil.Process().memory_info().rss)
        return resident, resident
    now, most, files = (int(sizes[name].split()[0]) for name in names)
    return now * 1024, (most - files) * 1024


def return_freed_memory() -> None:
    """The system gets back what was freed and the C library keeps, half of what loading a model took: with
    a recognizer of 174 MB, 219 MiB. Where the library is not glibc: nothing.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def cpu_use(root: Path = ROOT) -> CpuUse | None:
    """None where the system does not tell: elsewhere than on Linux."""
    try:
        ran, waited = _scheduled(root)
        stolen, passed = _stolen(root)
    except OSError:
        return None
    return CpuUse(time.monotonic(), ran, waited, stolen, passed, *_throttled(root))


def _cores_to_run_on() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _memory_of_machine() -> tuple[int, int]:
    """Bytes in all, and of them what can still be had; all of them where systemd's `ProcSubset=pid` hides that."""
    import psutil

    try:
        memory = psutil.virtual_memory()
    except FileNotFoundError:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return total, total
    return int(memory.total), int(memory.available)


def _quotas_of_version_2(root: Path) -> Iterator[float]:
    for group in _groups(root, ""):
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if quota.isdecimal() and period:
            yield int(quota) / int(period)


def _quotas_of_version_1(root: Path) -> Iterator[float]:
    for group in _groups(root, "cpu"):
        quota, period = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
        if quota and period:
            yield quota / period


def _memory_groups(root: Path) -> Iterator[tuple[int, int]]:
    """Limit and use of each group that has a limit, in bytes. Files that the kernel can drop count as free."""
    for group in _groups(root, ""):
        limits = [_number(group / name) for name in ("memory.max", "memory.high")]
        if found := [limit for limit in limits if limit is not None]:
            used = (_number(group / "memory.current") or 0) - _stat(group, "inactive_file")
            yield min(found), used
    for group in _groups(root, "memory"):
        limit = _number(group / "memory.limit_in_bytes")
        if limit is not None and limit < _NO_LIMIT:
            used = _number(group / "memory.usage_in_bytes") or 0
            yield limit, used - _stat(group, "total_inactive_file")


def _stat(group: Path, name: str) -> int:
    return _named(group / "memory.stat").get(name, 0)


def _throttled(root: Path) -> tuple[int, int]:
    """Periods, and those that were used up, of the group that was held back most."""
    stats = [_named(group / "cpu.stat") for kind in ("", "cpu") for group in _groups(root, kind)]
    counts = [(one.get("nr_periods", 0), one.get("nr_throttled", 0)) for one in stats]
    return max(counts, key=lambda one: one[1], default=(0, 0))


def _scheduled(root: Path) -> tuple[float, float]:
    """`ran` and `waited`, over all threads (sched-stats.rst). Raises `OSError`."""
    ran = waited = 0
    for thread in (root / "proc/self/task").iterdir():
        fields = _text(thread / "schedstat").split()  # empty: it has ended by now
        ran += int(fields[0]) if fields else 0
        waited += int(fields[1]) if fields else 0
    return ran * _NANOSECOND, waited * _NANOSECOND


def _stolen(root: Path) -> tuple[float, float]:
    """`stolen` and `passed` (proc.rst: user, nice, system, idle, iowait, irq, softirq, steal, and two that
    are in the first ones already). Raises `OSError`.
    """
    with (root / "proc/stat").open() as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    second = os.sysconf("SC_CLK_TCK")
    return ticks[7] / second, sum(ticks) / second


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of the groups that this process is in, by a controller of version 1, or, with an empty
    name, of version 2; the nearest first. In a container the path is the host's, and none of it is there but the mount.
    """
    mount = root / "sys/fs/cgroup" / controller
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            group = mount / path.lstrip("/")
            yield from (one for one in (group, *group.parents) if one.is_relative_to(mount))


def _named(file: Path) -> dict[str, int]:
    """Of a file whose lines are a name and a number."""
    pairs = (line.split() for line in _lines(file))
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _number(file: Path) -> int | None:
    """None also for `max`, and for -1, which is none in version 1."""
    text = _text(file)
    return int(text) if text.isdecimal() else None


def _lines(file: Path) -> list[str]:
    return _text(file).splitlines()


def _text(file: Path) -> str:
    """Empty where there is none, or where it may not be read: then nothing limits that we know of."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
