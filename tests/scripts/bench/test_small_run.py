"""Every benchmark, as small as it gets: that it works from end to end, and never how fast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from scripts.bench.databases import Databases
from scripts.bench.drawing import LANGUAGES, plot_file
from scripts.bench.embedders import Documented, ThisLibrary
from scripts.bench.figures import Figure, Report
from scripts.bench.plots import plots_of
from scripts.bench.readme import FIGURES
from scripts.bench.run import BENCHMARKS, run
from scripts.bench.setup import Setup
from service.domain.template import cosine_similarity
from tests.postgres import TestServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def setup(postgres_server: TestServer, model_root: Path, people: dict[str, list[Path]]) -> Setup:
    photos = next(iter(people.values()))[0].parents[1]
    url = postgres_server.url.render_as_string(hide_password=False)
    return Setup(model_root, "mobile_s", photos, Databases(url), small=True)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def report(setup: Setup, out: Path) -> Report:
    """Made in two pieces."""
    first, *others = BENCHMARKS
    run([first], setup, out, Console(quiet=True))
    return run(others, setup, out, Console(quiet=True))


@pytest.fixture(scope="module")
def figures(report: Report) -> Mapping[str, Figure]:
    return {
        figure.name + (f" / {figure.peer}" if figure.peer else ""): figure
        for part in report.parts.values()
        for figure in part.measured.figures
    }


def test_every_benchmark_leaves_its_figures(report: Report) -> None:
    assert set(report.parts) == set(BENCHMARKS)
    for name, part in report.parts.items():
        assert part.measured.figures, name
        assert part.machine.small


def test_pieces_are_kept_in_one_file(report: Report, out: Path) -> None:
    assert Report.read(out / FIGURES) == report


def test_every_curve_is_drawn(report: Report, out: Path) -> None:
    files = {plot_file(plot.name, language) for plot in plots_of(report) for language in LANGUAGES}
    assert files == {file.name for file in out.glob("*.svg")}


def test_every_round_gave_a_number(figures: Mapping[str, Figure]) -> None:
    for name, figure in figures.items():
        assert all(number >= 0 for number in figure.rounds), name
        assert len(figure.peer_rounds) in (0, len(figure.rounds)), name


@pytest.mark.parametrize("strategy", ["pgvector, exact scan", "face", "FAISS, flat"])
@pytest.mark.parametrize("size", [200, 600])
def test_exact_strategies_miss_nobody(
    figures: Mapping[str, Figure], strategy: str, size: int
) -> None:
    assert figures[f"{size} people, {strategy}: missed of 20 mates"].median == 0


def test_all_ways_to_embed_see_the_same_faces(setup: Setup) -> None:
    someone = setup.people[:1]
    (ours,), (theirs,) = ThisLibrary(setup, 1)(someone), Documented(setup)(someone)
    assert cosine_similarity(ours, theirs) > 0.999
