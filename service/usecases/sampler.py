"""A face source becomes one embedding, in the first half of every call; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from service.domain.errors import InconsistentImages, NoUsableFace
from service.domain.face import (
    CameraFrames,
    Detection,
    Embedding,
    FaceCrop,
    FaceSource,
    GivenEmbedding,
    Reason,
    Refusal,
    Sample,
    Stream,
    VideoFrames,
)
from service.domain.ports import NO_TELEMETRY, Capture, FaceEngine, Telemetry
from service.domain.template import average, disagreeing, embedding_of


@dataclass(frozen=True, slots=True)
class Probe:
    """One person's embedding and the samples it was made of (none where it was given)."""

    embedding: Embedding = field(repr=False)
    samples: Sequence[Sample] = ()

    @property
    def images_used(self) -> int:
        return sum(sample.accepted for sample in self.samples)


class Sampler:
    """Turns a face source into a probe.

    `agreement`: least cosine at which two samples of one request count as one person.
    """

    def __init__(
        self,
        engine: FaceEngine,
        capture: Capture,
        agreement: float,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._engine = engine
        self._capture = capture
        self._agreement = agreement
        self._telemetry = telemetry

    def probe(self, source: FaceSource) -> Probe:
        """Raises `NoUsableFace`, `InconsistentImages`, `InvalidEmbedding` and what capture raises."""
        if isinstance(source, GivenEmbedding):
            return Probe(embedding_of(source.numbers, self._engine.dimensions))
        samples = self.samples(source)
        embeddings = [sample.embedding for sample in samples if sample.embedding is not None]
        if not embeddings:
            raise NoUsableFace(samples)
        if strangers := disagreeing(embeddings, self._agreement):
            raise InconsistentImages(_marked(samples, strangers))
        return Probe(average(embeddings), samples)

    def samples(self, source: FaceSource) -> list[Sample]:
        """What becomes of each photograph, in order; all faces go through the model in one batch."""
        if isinstance(source, GivenEmbedding):
            return []
        if isinstance(source, CameraFrames | VideoFrames):
            detections = self._look_at_stream(source)
        else:
            photographs = self._capture.stills(source)
            with self._telemetry.stage("detect"):
                detections = self._engine.detect(photographs)
        crops = [found for found in detections if isinstance(found, FaceCrop)]
        embeddings: Iterator[Embedding] = iter(())
        if crops:
            with self._telemetry.stage("embed"):
                embeddings = iter(self._engine.embed(crops))
        return [
            Sample(None, found.reason, found.detection_score)
            if isinstance(found, Refusal)
            else Sample(next(embeddings), None, found.detection_score)
            for found in detections
        ]

    def _look_at_stream(self, stream: Stream) -> list[Detection]:
        """Frames with one face, at most `max_frames`; of a stream without any, its last refusal."""
        crops: list[Detection] = []
        last: list[Detection] = []
        with self._capture.frames(stream) as frames:
            for frame in frames:
                with self._telemetry.stage("detect"):
                    last = self._engine.detect([frame])
                crops.extend(found for found in last if isinstance(found, FaceCrop))
                if len(crops) == stream.max_frames:
                    break
        return crops or last


def _marked(samples: Sequence[Sample], strangers: Sequence[int]) -> list[Sample]:
    """`samples`, those accepted ones at the positions `strangers` turned into refusals."""
    accepted = [index for index, sample in enumerate(samples) if sample.accepted]
    marked = {accepted[position] for position in strangers}
    return [
        replace(sample, embedding=None, reason=Reason.INCONSISTENT) if index in marked else sample
        for index, sample in enumerate(samples)
    ]


class MakeToken:
    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def __call__(self, source: FaceSource) -> Embedding:
        """The template of the photographs. Raises what `Sampler.probe` raises."""
        return self._sampler.probe(source).embedding
