"""Does the machine suffice for the processes of this service? Asked at its start, by `face doctor`, and every minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from service.domain.capacity import (
    CpuUse,
    ProcessMemory,
    Shortfall,
    cpu_shortfall,
    memory_shortfall,
    process_shortfall,
)
from service.machine import available_memory, cores, cpu_use, own_memory, share_of_cores

_BYTES_OF_A_PIXEL = 3


class CheckCapacity:
    """To be made before the model is loaded: what that took of memory and time is what it goes by."""

    def __init__(
        self, processes: int, largest_photograph: int, search_bytes: Callable[[], int]
    ) -> None:
        """`largest_photograph`: pixels. `search_bytes`: what searches in memory will take, in each process."""
        self.processes = processes
        self.cores = cores()
        self.threads = share_of_cores(processes)
        self._photographs = self.threads * largest_photograph * _BYTES_OF_A_PIXEL
        self._search_bytes = search_bytes
        self._last_use = cpu_use()

    def __call__(self) -> Iterator[Shortfall]:
        """At the start, once the model is loaded in this process: beside it or after it come the others."""
        one = self.process_memory()
        found = (
            process_shortfall(self.processes, self.cores),
            memory_shortfall(one, self.processes, available_memory() + one.loaded),
            self.cpu_shortfall(),
        )
        yield from (shortfall for shortfall in found if shortfall is not None)

    def process_memory(self) -> ProcessMemory:
        """Raises what transactions raise."""
        return ProcessMemory(*own_memory(), self._photographs, self._search_bytes())

    def cpu_shortfall(self) -> Shortfall | None:
        use = self.use_since_last()
        return None if use is None else cpu_shortfall(use, self.threads)

    def use_since_last(self) -> CpuUse | None:
        """Since the last look, at first since this was made; None where the system does not tell."""
        use, before = cpu_use(), self._last_use
        self._last_use = use
        return None if use is None or before is None else use.since(before)
