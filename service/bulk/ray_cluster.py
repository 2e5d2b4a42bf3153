"""Embedding on a Ray cluster, by Ray Data: one process per core, each with a model of its own.

The nodes have this package, the model and the photographs under the same paths. Rows with their
paths go out, embeddings come back; no key and no address of a database leaves this machine.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np
import ray
import ray.data
from ray.exceptions import RayError

from service.domain.bulk import BulkCandidate, BulkOutcome, Row
from service.domain.errors import ClusterUnavailable
from service.domain.face import GivenEmbedding
from service.privacy import LOOPBACK

ROWS_AT_A_TIME = 8192
"""Rows of one Ray dataset: each starts its processes anew, which takes seconds."""

BATCH = 16
"""Rows that a process takes at a time."""

STORE_BYTES = 256 * 1024 * 1024
"""Of shared memory, for a cluster of this machine alone; a batch's embeddings take 32 KB."""

LOGGERS = ("ray", "ray.data")
"""Of which nothing but errors is for this terminal."""

Embed: TypeAlias = Callable[[Row], BulkCandidate | BulkOutcome]


class RayEmbedding:
    """Implements `BulkEmbedding`; the cluster is connected to inside of its context.

    `on_node`: makes, in a process of the cluster, what embeds a row there; it is sent there, and
    so must be picklable. `here`: what embeds a row in this process, where that costs nothing.
    `address`: the cluster's; None: one of this machine alone, which ends with the context and, imported
    and run inside of `ray_environment`, listens on loopback.
    """

    def __init__(self, on_node: Callable[[], Embed], here: Embed, address: str | None) -> None:
        self._on_node = on_node
        self._here = here
        self._address = address

    def __enter__(self) -> Self:
        """Raises `ClusterUnavailable`."""
        quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        alone: dict[str, Any] = {
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
            "_node_ip_address": LOOPBACK,
        }
        try:
            if self._address is None:
                ray.init("local", **quiet, **alone)
            else:
                ray.init(self._address, **quiet)
        except (RayError, OSError, RuntimeError, ValueError) as error:
            raise ClusterUnavailable(cause=type(error).__name__) from None
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        ray.shutdown()

    def __call__(self, items: Iterable[Row | BulkOutcome]) -> Iterator[BulkCandidate | BulkOutcome]:
        """Raises `ClusterUnavailable`."""
        rest = iter(items)
        while batch := list(islice(rest, ROWS_AT_A_TIME)):
            embedded = self._embedded([item for item in batch if _has_photographs(item)])
            for item in batch:
                if isinstance(item, BulkOutcome):
                    yield item
                else:
                    yield next(embedded) if _has_photographs(item) else self._here(item)

    def _embedded(
        self, items: Sequence[Row | BulkOutcome]
    ) -> Iterator[BulkCandidate | BulkOutcome]:
        if not items:
            return
        try:
            cores = ray.cluster_resources().get("CPU", 1)  # type: ignore[no-untyped-call]
            found = ray.data.from_items(
                [{"row": pickle.dumps(item)} for item in items]
            ).map_batches(
                _Node,
                fn_constructor_args=(self._on_node,),
                batch_size=BATCH,
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, int(cores))),
                num_cpus=1,
            )
            for each in found.iter_rows():
                yield pickle.loads(each["became"])  # noqa: S301 - what Ray itself is made of
        except RayError as error:
            raise ClusterUnavailable(cause=type(error).__name__) from None


class _Node:
    """Lives in a process of the cluster, with its model loaded once."""

    def __init__(self, on_node: Callable[[], Embed]) -> None:
        self._embed = on_node()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        rows = [pickle.loads(row) for row in batch["row"]]  # noqa: S301 - as above
        became = [pickle.dumps(self._embed(row)) for row in rows]
        return {"became": np.array(became, dtype=object)}


def _has_photographs(item: Row | BulkOutcome) -> bool:
    return isinstance(item, Row) and not isinstance(item.source, GivenEmbedding)
