"""From a face source to one embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from service.domain.errors import InconsistentImages, InvalidEmbedding, NoUsableFace
from service.domain.face import (
    CameraFrames,
    Detection,
    DirectoryImages,
    FaceCrop,
    Faces,
    GivenEmbedding,
    Photograph,
    Reason,
    VideoFrames,
)
from service.domain.ports import FrameObserver
from service.domain.template import average, cosine_similarity
from service.domain.thresholds import ARCFACE
from service.usecases.sampler import MakeToken, Sampler
from tests.domain.vectors import face_of
from tests.usecases.stand_ins import (
    DETECTION_SCORE,
    REFUSED_SCORE,
    StandInCapture,
    StandInEngine,
    embedding_of_photo,
    given,
    photos,
)


def _sampler(engine: StandInEngine | None = None, capture: StandInCapture | None = None) -> Sampler:
    return Sampler(engine or StandInEngine(), capture or StandInCapture(), ARCFACE)


def test_probe_of_one_photograph_is_its_embedding() -> None:
    probe = _sampler().probe(photos("kim:1"))
    np.testing.assert_allclose(probe.embedding, embedding_of_photo("kim:1"), atol=1e-6)


def test_probe_of_several_photographs_is_their_average() -> None:
    names = ["kim:1", "kim:2", "kim:3"]
    expected = average([embedding_of_photo(name) for name in names])
    np.testing.assert_array_equal(_sampler().probe(photos(*names)).embedding, expected)


def test_average_is_nearer_to_the_person_than_a_photograph_is() -> None:
    probe = _sampler().probe(photos("kim:1", "kim:2", "kim:3"))
    alone = cosine_similarity(face_of("kim"), embedding_of_photo("kim:1"))
    assert cosine_similarity(face_of("kim"), probe.embedding) > alone


def test_unusable_photographs_are_left_out_and_named_in_order() -> None:
    probe = _sampler().probe(photos("no_face", "kim:1", "multiple_faces", "kim:2", "unreadable"))
    assert [sample.reason for sample in probe.samples] == [
        Reason.NO_FACE,
        None,
        Reason.MULTIPLE_FACES,
        None,
        Reason.UNREADABLE,
    ]
    assert probe.images_used == 2
    np.testing.assert_array_equal(
        probe.embedding, average([embedding_of_photo("kim:1"), embedding_of_photo("kim:2")])
    )


def test_the_caller_may_have_people_behind_the_subject_ignored() -> None:
    one, alone = _sampler().samples(photos("kim:1+2", "kim:1"), Faces.DOMINANT)
    assert (one.ignored_faces, alone.ignored_faces) == (2, 0)
    np.testing.assert_array_equal(one.embedding, alone.embedding)


def test_somebody_behind_the_subject_is_a_second_face_otherwise() -> None:
    (sample,) = _sampler().samples(photos("kim:1+1"))
    assert sample.reason is Reason.MULTIPLE_FACES


def test_dominant_faces_of_one_call_must_agree() -> None:
    with pytest.raises(InconsistentImages):
        _sampler().probe(photos("kim:1+1", "kim:2+1", "lee:1+1"), Faces.DOMINANT)


def test_every_sample_keeps_its_own_embedding_and_score() -> None:
    refused, accepted = _sampler().samples(photos("face_too_small", "kim:1"))
    assert refused.embedding is None
    assert refused.detection_score == REFUSED_SCORE
    assert accepted.embedding is not None
    np.testing.assert_array_equal(accepted.embedding, embedding_of_photo("kim:1"))
    assert accepted.detection_score == DETECTION_SCORE


def test_photograph_that_could_not_be_read_has_no_score() -> None:
    (sample,) = _sampler().samples(photos("unreadable"))
    assert sample.detection_score is None


def test_photographs_without_any_usable_face_are_refused_with_their_reasons() -> None:
    with pytest.raises(NoUsableFace) as refusal:
        _sampler().probe(photos("no_face", "unreadable"))
    reasons = [sample.reason for sample in refusal.value.samples]
    assert reasons == [Reason.NO_FACE, Reason.UNREADABLE]


def test_photographs_of_different_people_are_refused_and_the_odd_one_is_named() -> None:
    with pytest.raises(InconsistentImages) as refusal:
        _sampler().probe(photos("kim:1", "no_face", "lee:1", "kim:2"))
    reasons = [sample.reason for sample in refusal.value.samples]
    assert reasons == [None, Reason.NO_FACE, Reason.INCONSISTENT, None]
    assert refusal.value.samples[2].embedding is None


def test_all_faces_of_a_request_go_through_the_model_in_one_batch() -> None:
    engine = StandInEngine()
    _sampler(engine).probe(photos("kim:1", "no_face", "kim:2", "kim:3"))
    assert engine.batches == [3]


def test_model_is_not_run_where_there_is_no_face() -> None:
    engine = StandInEngine()
    with pytest.raises(NoUsableFace):
        _sampler(engine).probe(photos("no_face"))
    assert engine.batches == []


def test_given_embedding_is_the_probe_and_needs_neither_model_nor_capture() -> None:
    engine, capture = StandInEngine(), StandInCapture()
    probe = _sampler(engine, capture).probe(given(face_of("kim")))
    np.testing.assert_allclose(probe.embedding, face_of("kim"), atol=1e-6)
    assert (probe.samples, probe.images_used) == ((), 0)
    assert (capture.used, engine.looked_at) == (0, 0)


def test_given_embedding_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidEmbedding):
        _sampler().probe(GivenEmbedding([1.0, 0.0]))


def test_given_embedding_of_a_longer_model_is_refused() -> None:
    with pytest.raises(InvalidEmbedding):
        _sampler(StandInEngine(dimensions=128)).probe(given(face_of("kim")))


def test_folder_is_read_up_to_its_limit() -> None:
    capture = StandInCapture({"faces": ["kim:1", "kim:2", "kim:3"]})
    assert _sampler(capture=capture).probe(DirectoryImages("faces", 2)).images_used == 2


@pytest.mark.parametrize("stream", [CameraFrames(2), VideoFrames("film.mp4", 2)])
def test_stream_is_watched_until_enough_frames_show_one_face(
    stream: CameraFrames | VideoFrames,
) -> None:
    engine = StandInEngine()
    capture = StandInCapture(film=["no_face", "kim:1", "multiple_faces", "kim:2", "kim:3"])
    probe = _sampler(engine, capture).probe(stream)
    assert probe.images_used == len(probe.samples) == 2
    assert engine.looked_at == 4


def test_stream_that_ends_early_gives_what_it_showed() -> None:
    capture = StandInCapture(film=["kim:1", "no_face"])
    assert _sampler(capture=capture).probe(CameraFrames(5)).images_used == 1


def test_stream_without_a_face_is_refused_with_its_last_reason() -> None:
    capture = StandInCapture(film=["no_face", "multiple_faces"])
    with pytest.raises(NoUsableFace) as refusal:
        _sampler(capture=capture).probe(CameraFrames(5))
    assert [sample.reason for sample in refusal.value.samples] == [Reason.MULTIPLE_FACES]


class SoftFocus(StandInEngine):
    """Sees of every other frame, the first among them, a face that is out of focus."""

    def detect(
        self,
        photographs: Sequence[Photograph],
        faces: Faces = Faces.ONE,
        observe: FrameObserver | None = None,
    ) -> list[Detection]:
        soft = self.looked_at % 2 == 0
        return [
            replace(found, quality=replace(found.quality, sharpness=0.01))
            if soft and isinstance(found, FaceCrop)
            else found
            for found in super().detect(photographs, faces, observe)
        ]


def test_stream_goes_on_to_frames_of_better_quality() -> None:
    capture = StandInCapture(film=["kim:1", "kim:2", "kim:3", "kim:4", "kim:5"])
    engine = SoftFocus()
    probe = _sampler(engine, capture).probe(CameraFrames(2))
    assert (probe.images_used, engine.looked_at) == (2, 4)
    expected = average([embedding_of_photo("kim:2"), embedding_of_photo("kim:4")])
    np.testing.assert_array_equal(probe.embedding, expected)


def test_stream_without_a_good_frame_tells_what_the_last_one_lacks() -> None:
    with pytest.raises(NoUsableFace) as refusal:
        _sampler(SoftFocus(), StandInCapture(film=["kim:1"])).probe(CameraFrames(2))
    assert [sample.reason for sample in refusal.value.samples] == [Reason.TOO_BLURRED]


def test_face_of_too_low_quality_is_not_embedded() -> None:
    engine = SoftFocus()
    with pytest.raises(NoUsableFace):
        _sampler(engine).probe(photos("kim:1"))
    assert engine.batches == []


def test_stream_without_a_frame_is_refused() -> None:
    with pytest.raises(NoUsableFace):
        _sampler().probe(CameraFrames(5))


def test_frames_of_different_people_are_refused() -> None:
    capture = StandInCapture(film=["kim:1", "lee:1"])
    with pytest.raises(InconsistentImages):
        _sampler(capture=capture).probe(CameraFrames(2))


@pytest.mark.parametrize("film", [["kim:1", "kim:2"], ["no_face"], []])
def test_camera_is_released_whatever_it_saw(film: list[str]) -> None:
    capture = StandInCapture(film=film)
    _sampler(capture=capture).samples(CameraFrames(1))
    assert capture.released == 1


def test_token_is_the_probes_embedding() -> None:
    token = MakeToken(_sampler())(photos("kim:1")).embedding
    np.testing.assert_array_equal(token, _sampler().probe(photos("kim:1")).embedding)


def test_nothing_that_is_handed_on_prints_a_vector() -> None:
    probe = _sampler().probe(photos("kim:1"))
    assert "embedding" not in f"{probe!r} {probe.samples!r} {photos('kim:1')!r}"
