"""The real small pack on real photographs."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from insightface.app import FaceAnalysis

from service.domain.face import FaceCrop, Faces, Reason, Refusal
from service.domain.ports import FaceEngine
from service.domain.template import cosine_similarity
from tests.engine.photographs import Picture, picture, side_by_side, with_face_behind

THREADS = 16

SAME_PERSON = 0.5
"""Cosine. Of different people it is 0.29 at most here; the border places the face anew."""


@pytest.fixture(scope="module")
def portraits(people: dict[str, list[Path]]) -> list[Picture]:
    return [picture(path) for paths in people.values() for path in paths]


@pytest.fixture(scope="module")
def reference(model_root: Path, portraits: list[Picture]) -> list[list[Any]]:
    """The faces that InsightFace itself finds in each portrait."""
    analysis = FaceAnalysis("mobile_s", str(model_root), providers=["CPUExecutionProvider"])
    analysis.prepare(ctx_id=0, det_thresh=0.6)
    return [analysis.get(portrait.content) for portrait in portraits]


def test_the_same_photographs_are_accepted_as_by_insightface(
    real: FaceEngine, reference: list[list[Any]], portraits: list[Picture]
) -> None:
    ours = [isinstance(seen, FaceCrop) for seen in real.detect(portraits)]
    assert ours == [len(faces) == 1 for faces in reference]


def test_every_embedding_is_insightfaces_own(
    real: FaceEngine, reference: list[list[Any]], portraits: list[Picture]
) -> None:
    theirs = [faces[0].embedding for faces in reference if len(faces) == 1]
    ours = real.embed([seen for seen in real.detect(portraits) if isinstance(seen, FaceCrop)])
    for one, other in zip(ours, theirs, strict=True):
        assert cosine_similarity(one.embedding, other) > 0.999


def test_close_up_photographs_are_found(real: FaceEngine, portraits: list[Picture]) -> None:
    assert sum(isinstance(seen, FaceCrop) for seen in real.detect(portraits)) == len(portraits)


def test_groups_are_multiple_faces(real: FaceEngine, scenes: list[Path]) -> None:
    seen = real.detect([picture(path) for path in scenes])
    assert {one.reason for one in seen if isinstance(one, Refusal)} == {Reason.MULTIPLE_FACES}
    assert not any(isinstance(one, FaceCrop) for one in seen)


def test_in_a_group_nobody_is_dominant(real: FaceEngine, scenes: list[Path]) -> None:
    seen = real.detect([picture(path) for path in scenes], Faces.DOMINANT)
    assert {one.reason for one in seen if isinstance(one, Refusal)} == {Reason.MULTIPLE_FACES}
    assert not any(isinstance(one, FaceCrop) for one in seen)


def test_somebody_small_behind_a_portrait_is_ignored(
    real: FaceEngine, portraits: list[Picture]
) -> None:
    seen = real.detect([with_face_behind(one, portraits[0]) for one in portraits], Faces.DOMINANT)
    pairs = [(one, n) for n, one in enumerate(seen) if isinstance(one, FaceCrop)]
    assert len(pairs) >= len(portraits) - 1  # one face is seen badly under the wider border
    assert sum(crop.ignored_faces for crop, _ in pairs) >= 0.9 * len(pairs)
    alone = real.detect([portraits[n] for _, n in pairs])
    embedded = real.embed([one for one in alone if isinstance(one, FaceCrop)])
    for one, other in zip(real.embed([crop for crop, _ in pairs]), embedded, strict=True):
        assert cosine_similarity(one.embedding, other.embedding) > SAME_PERSON


@pytest.mark.parametrize("rule", Faces)
def test_whoever_is_seen_badly_is_not_taken_for_the_portrait_behind_them(
    real: FaceEngine, portraits: list[Picture], rule: Faces
) -> None:
    badly_seen = with_face_behind(portraits[19], portraits[0])
    seen = real.detect([badly_seen], rule)[0]
    assert isinstance(seen, Refusal)
    assert seen.reason is Reason.LOW_DETECTION_SCORE


def test_somebody_small_behind_a_portrait_is_a_second_face(
    real: FaceEngine, portraits: list[Picture]
) -> None:
    seen = real.detect([with_face_behind(portraits[0], portraits[7])])[0]
    assert isinstance(seen, Refusal)
    assert seen.reason is Reason.MULTIPLE_FACES


def test_two_people_side_by_side_are_multiple_faces(
    real: FaceEngine, portraits: list[Picture]
) -> None:
    joined = [side_by_side(one, portraits[n - 6]) for n, one in enumerate(portraits)]
    seen = real.detect(joined, Faces.DOMINANT)
    reasons = [getattr(one, "reason", None) for one in seen]
    assert reasons == [Reason.MULTIPLE_FACES] * len(joined)


def test_an_embedding_has_512_float32_of_norm_1(real: FaceEngine, portraits: list[Picture]) -> None:
    crop = real.detect(portraits[:1])[0]
    assert isinstance(crop, FaceCrop)
    embedding = real.embed([crop])[0].embedding
    assert embedding.shape == (512,)
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)


def test_the_same_photograph_gives_the_same_embedding_in_every_thread(
    real: FaceEngine, portraits: list[Picture]
) -> None:
    def embedding_of(portrait: Picture) -> list[float]:
        crops = [seen for seen in real.detect([portrait]) if isinstance(seen, FaceCrop)]
        return [float(number) for number in real.embed(crops)[0].embedding]

    with ThreadPoolExecutor(THREADS) as callers:
        embeddings = list(callers.map(embedding_of, [portraits[0]] * THREADS))
    assert np.allclose(embeddings, embeddings[0], atol=1e-6)


def test_a_batch_embeds_as_one_by_one_does(real: FaceEngine, portraits: list[Picture]) -> None:
    crops = [seen for seen in real.detect(portraits[:4]) if isinstance(seen, FaceCrop)]
    one_by_one = [real.embed([crop])[0].embedding for crop in crops]
    assert np.allclose([face.embedding for face in real.embed(crops)], one_by_one, atol=1e-5)


def test_it_runs_on_the_cpu_where_that_was_asked_for(real: FaceEngine) -> None:
    assert list(real.providers) == ["CPUExecutionProvider"]


_ONE_PHOTOGRAPH = """
import sys, pathlib
from service.engine.engines import load_engine
from tests.engine.photographs import picture
engine = load_engine("mobile_s", pathlib.Path(sys.argv[1]), detection_threshold=0.6)
engine.embed(engine.detect([picture(pathlib.Path(sys.argv[2]))]))
"""


@pytest.fixture(scope="module")
def printed(model_root: Path, people: dict[str, list[Path]]) -> subprocess.CompletedProcess[str]:
    """What a fresh process prints that asks for a GPU and embeds one photograph."""
    photograph = next(iter(people.values()))[0]
    return subprocess.run(
        [sys.executable, "-c", _ONE_PHOTOGRAPH, str(model_root), str(photograph)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )


def test_nothing_is_printed_where_the_embedding_goes(
    printed: subprocess.CompletedProcess[str],
) -> None:
    assert printed.stdout == ""


def test_no_warning_of_a_library_is_printed(printed: subprocess.CompletedProcess[str]) -> None:
    assert "Warning" not in printed.stderr
