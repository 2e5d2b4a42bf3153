"""Benchmarks are run one after the other, kept in `figures.json`, drawn and shown."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from scripts.bench import bulk, eight_bits, embedding, memory, over_http, search, startup
from scripts.bench.databases import Databases, own_server
from scripts.bench.figures import Measured, Part, Report
from scripts.bench.machine import this_machine
from scripts.bench.plots import draw_all
from scripts.bench.readme import FIGURES, FOLDER
from scripts.bench.setup import MILLION, Setup
from scripts.bench.table import terminal_table

Benchmark = Callable[[Setup], Measured]

BENCHMARKS: Mapping[str, Benchmark] = {
    "embedding": embedding.measure,
    "quantize": eight_bits.measure,
    "memory": memory.measure,
    "startup": startup.measure,
    "http": over_http.measure,
    "search": search.measure,
    "bulk": bulk.measure,
    "ten-million": search.measure_ten_million,
}

APART = frozenset({"ten-million"})
"""Run only where they are named: alone, it takes half an hour and 45 GB of disk."""

_FILE_WIDTH = 160
"""Characters."""


def run(names: Sequence[str], setup: Setup, out: Path, console: Console) -> Report:
    """Runs these benchmarks and puts each, as soon as it is done, into `out`'s report in place of
    its earlier run; the plots are of the whole report.
    """
    report = Report.read(out / FIGURES)
    started = time.monotonic()
    for name in names:
        console.print(f"[dim]{name} …[/dim]")
        part = _measured(BENCHMARKS[name], setup)
        report = report.with_part(name, part)
        report.write(out / FIGURES)
        console.print(f"{name}: {part.seconds:.0f} s, {time.monotonic() - started:.0f} s in all")
    draw_all(report, out)
    console.print(terminal_table(report))
    return report


def _measured(benchmark: Benchmark, setup: Setup) -> Part:
    started = time.monotonic()
    measured = benchmark(setup)
    return Part(
        machine=this_machine(small=setup.small),
        measured=measured.without_bars() if setup.small else measured,
        seconds=round(time.monotonic() - started, 1),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    with _databases(options) as databases:
        setup = Setup(
            model_root=options.model_root.expanduser(),
            model_name=options.model,
            photos=options.photos,
            databases=databases,
            small=options.small,
            hnsw_up_to=options.hnsw_up_to,
            scratch=options.scratch,
        )
        names = options.only or [name for name in BENCHMARKS if name not in APART]
        run(names, setup, options.out, _console())
    return 0


def _console() -> Console:
    """Wide enough for the table where the output is a file, which has no width."""
    console = Console()
    return console if console.is_terminal else Console(width=_FILE_WIDTH)


@contextmanager
def _databases(options: argparse.Namespace) -> Iterator[Databases]:
    if options.database_url:
        yield Databases(options.database_url)
        return
    with own_server(options.scratch) as databases:
        yield databases


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bench", description="Measure the service next to named peers."
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=list(BENCHMARKS), metavar="NAME", help=", ".join(BENCHMARKS))
    add("--small", action="store_true", help="prove that everything works; figures mean nothing")
    add("--out", type=Path, default=FOLDER, help="folder of figures.json and the plots")
    add("--model", default="mobile_s", help="name of the pack")
    add("--model-root", type=Path, default=Path("../shared/insightface"), help="where packs are")
    add("--photos", type=Path, default=Path("../shared/photos/people"), help="a folder per person")
    add("--hnsw-up-to", type=int, default=MILLION, help="people for whom HNSW is built")
    add("--scratch", type=Path, help="folder for the database and large files")
    add("--database-url", help="a PostgreSQL to make databases in, instead of one of this run")
    return parser
