"""From when on a machine has too little for the processes of a service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.domain.capacity import (
    CpuUse,
    ProcessMemory,
    Shortage,
    cpu_shortfall,
    descriptor_shortfall,
    memory_shortfall,
    process_shortfall,
)
from service.texts import text

MEBIBYTE = 1 << 20
NOTHING = CpuUse(at=0, ran=0, waited=0, stolen=0, passed=0, periods=0, throttled=0)
MINUTE = replace(NOTHING, at=60, passed=120)


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (replace(MINUTE, ran=12, waited=3), None),
        (replace(MINUTE, ran=12, waited=12), Shortage.NEIGHBOR),
        (replace(MINUTE, ran=0.2, waited=0.2), None),  # hardly anything to do
        (replace(MINUTE, ran=100, waited=100), None),  # its own load on its two cores
        (replace(MINUTE, ran=12, stolen=60), Shortage.NEIGHBOR),  # by other machines
        (replace(MINUTE, ran=12, waited=12, periods=600, throttled=300), Shortage.QUOTA),
        (replace(MINUTE, ran=100, waited=100, periods=600, throttled=300), Shortage.QUOTA),
        (replace(MINUTE, ran=12, waited=12, periods=600, throttled=6), Shortage.NEIGHBOR),
        (replace(MINUTE, ran=12, waited=3, periods=600, throttled=300), None),
    ],
)
def test_long_waits_are_told_with_their_cause(use: CpuUse, told: Shortage | None) -> None:
    shortfall = cpu_shortfall(use, cores=2)
    assert (shortfall and shortfall.code) == told


def test_use_between_two_looks_is_their_difference_and_never_negative() -> None:
    before = CpuUse(at=10, ran=5, waited=4, stolen=1, passed=40, periods=7, throttled=2)
    after = CpuUse(at=70, ran=6, waited=3, stolen=1, passed=160, periods=9, throttled=3)
    assert after.since(before) == CpuUse(60, 1, 0, 0, 120, 2, 1)


@pytest.mark.parametrize(
    ("most", "available", "suffices"), [(100, 800, True), (100, 799, False), (500, 999, False)]
)
def test_memory_must_hold_each_process_at_its_largest(
    most: int, available: int, suffices: bool
) -> None:
    """Loaded and at work, 400 MiB; or while it loads, if that is more."""
    sizes = (size * MEBIBYTE for size in (100, most, 240, 60))
    shortfall = memory_shortfall(ProcessMemory(*sizes), 2, available * MEBIBYTE)
    assert (shortfall is None) == suffices


def test_processes_are_no_more_than_cores() -> None:
    assert process_shortfall(2, 2) is None
    assert process_shortfall(3, 2) is not None


def test_descriptors_are_enough_or_told() -> None:
    assert descriptor_shortfall(2048, 2048, 2648) is None
    assert descriptor_shortfall(424, 2048, 2648) is not None


def test_sentences_tell_what_there_is_and_what_is_needed() -> None:
    found = (
        process_shortfall(3, 2),
        memory_shortfall(ProcessMemory(0, 400 * MEBIBYTE, 0, 0), 2, 799 * MEBIBYTE),
        descriptor_shortfall(424, 2048, 2648),
        cpu_shortfall(replace(MINUTE, ran=12, waited=12), 2),
        cpu_shortfall(replace(MINUTE, ran=12, waited=12, periods=10, throttled=9), 2),
    )
    expected = (("3", "2"), ("2 × 400 MiB", "799 MiB"), ("424", "2048", "2648"), ("50%",), ("90%",))
    assert {one.code for one in found if one} == set(Shortage)
    for shortfall, words in zip(found, expected, strict=True):
        assert shortfall is not None
        for language in ("en", "ko"):
            sentence = text(language, f"shortage.{shortfall.code}", **shortfall.values)
            assert all(word in sentence for word in words)
