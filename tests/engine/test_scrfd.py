"""Our way around the detector gives InsightFace's numbers, bit by bit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from insightface.model_zoo import get_model
from numpy.typing import NDArray

from service.domain.face import Image
from service.engine.scrfd import PREVIEW_SIZES, SIZES, Scrfd, fit, preview_size
from service.engine.sessions import Network


@pytest.fixture(scope="module")
def theirs(model_root: Path) -> Any:
    path = model_root / "models" / "mobile_s" / "det_500m.onnx"
    model = get_model(str(path), providers=["CPUExecutionProvider"], static_shape_sessions=False)
    model.prepare(0, input_size=list(SIZES))
    return model


@pytest.fixture(scope="module")
def network(theirs: Any) -> Network:
    """On their session."""
    return Network(theirs.session, lambda: theirs.session)


@pytest.fixture(scope="module")
def portraits(people: dict[str, list[Path]]) -> list[Image]:
    return [_read(path) for paths in people.values() for path in paths]


@pytest.fixture(scope="module")
def pictures(portraits: list[Image], scenes: list[Path]) -> list[Image]:
    return portraits + [_read(path) for path in scenes]


def _read(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path)), np.uint8)


@pytest.mark.parametrize("floor", [0.05, 0.3])
def test_boxes_scores_and_landmarks_are_insightfaces(
    theirs: Any, network: Network, pictures: list[Image], floor: float
) -> None:
    ours = Scrfd(network)
    for picture in pictures:
        expected = theirs.detect(picture, det_thresh=floor)
        seen = ours.detect(picture, floor)
        assert all(np.array_equal(one, other) for one, other in zip(seen, expected, strict=True))


def test_most_close_ups_are_not_looked_at_in_the_largest_size(
    network: Network, portraits: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = _widths_looked_at(network, portraits, monkeypatch)
    assert widths[128] == widths[preview_size(portraits[0])[0]] == len(portraits)
    assert widths[640] < len(portraits) / 5


def test_groups_are_looked_at_as_by_insightface(
    network: Network, scenes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = _widths_looked_at(network, [_read(path) for path in scenes], monkeypatch)
    assert widths == {128: len(scenes), 640: len(scenes)}


def test_close_ups_that_are_not_spared_are_looked_at_as_by_insightface(
    theirs: Any, network: Network, portraits: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, few = Scrfd(network, spare_close_ups=False), portraits[:3]
    widths = _widths_looked_at(network, few, monkeypatch, ours)
    assert widths == {128: len(few), 640: len(few)}
    for portrait in few:
        expected = theirs.detect(portrait, det_thresh=0.3)
        assert np.array_equal(ours.detect(portrait, 0.3)[0], expected[0])


@pytest.mark.parametrize(
    ("spared", "sizes"), [(True, {128, 640, *PREVIEW_SIZES}), (False, {128, 640})]
)
def test_it_warms_up_in_the_sizes_that_it_will_look_in(
    network: Network, monkeypatch: pytest.MonkeyPatch, spared: bool, sizes: set[int]
) -> None:
    widths = _counted_widths(network, monkeypatch)
    Scrfd(network, spare_close_ups=spared).warm_up(rounds=2)
    assert widths == dict.fromkeys(sizes, 2)


def _widths_looked_at(
    network: Network,
    pictures: list[Image],
    monkeypatch: pytest.MonkeyPatch,
    ours: Scrfd | None = None,
) -> Counter[int]:
    widths = _counted_widths(network, monkeypatch)
    for one in pictures:
        (ours or Scrfd(network)).detect(one, 0.3)
    return widths


def _counted_widths(network: Network, monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    widths: Counter[int] = Counter()
    run = network.run

    def counted(blob: NDArray[np.float32]) -> list[Any]:
        widths.update([blob.shape[3]])
        return run(blob)

    monkeypatch.setattr(network, "run", counted)
    return widths


@pytest.mark.parametrize(
    ("longer", "glanced"), [(60, 320), (142, 320), (150, 352), (213, 480), (4000, 480)]
)
def test_a_glance_enlarges_little_and_costs_less_than_the_largest_size(
    longer: int, glanced: int
) -> None:
    assert preview_size(np.zeros((20, longer, 3), np.uint8)) == (glanced, glanced)


@pytest.mark.parametrize("enlarged", [1, 2])
@pytest.mark.parametrize("share", [0.05, 0.08, 0.1, 0.13, 0.2])
def test_a_stranger_at_the_edge_of_a_close_up_counts_as_by_insightface(
    theirs: Any, network: Network, portraits: list[Image], share: float, enlarged: int
) -> None:
    """`share` of the portrait's width."""
    ours = Scrfd(network)
    for number, portrait in enumerate(portraits):
        shown = _joined_by(portrait, portraits[number - 7], share, number, enlarged)
        expected, _ = theirs.detect(shown, det_thresh=0.6)
        boxes, _ = ours.detect(shown, 0.6)
        assert len(boxes) == len(expected)


def _joined_by(portrait: Image, stranger: Image, share: float, corner: int, enlarged: int) -> Image:
    """`portrait`, so many times as wide, with `stranger` in one of its corners."""
    shown = cv2.resize(portrait, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
    side = int(share * shown.shape[1])
    small = cv2.resize(stranger[10:145, 15:135], (side, side), interpolation=cv2.INTER_AREA)
    rows = slice(None, side) if corner & 1 else slice(-side, None)
    columns = slice(None, side) if corner & 2 else slice(-side, None)
    shown[rows, columns] = small
    return np.asarray(shown, np.uint8)


def test_a_tall_picture_after_a_wide_one_finds_a_clean_input(
    theirs: Any, network: Network, pictures: list[Image]
) -> None:
    ours, wide = Scrfd(network), pictures[-1]
    tall = np.ascontiguousarray(np.rot90(wide))
    ours.detect(wide, 0.3)
    expected = theirs.detect(tall, det_thresh=0.3)
    assert np.array_equal(ours.detect(tall, 0.3)[0], expected[0])


def test_nothing_found_has_the_shape_of_nothing(network: Network) -> None:
    boxes, landmarks = Scrfd(network).detect(np.zeros((200, 300, 3), np.uint8), 0.5)
    assert boxes.shape == (0, 5)
    assert landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize(
    ("shape", "fitted"), [((300, 600), (320, 640)), ((600, 300), (640, 320)), ((9, 9), (640, 640))]
)
def test_a_picture_fills_the_longer_side(shape: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert fit(np.zeros((*shape, 3), np.uint8), (640, 640)).shape[:2] == fitted
