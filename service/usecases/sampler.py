"""A face source becomes one embedding, in the first half of every call; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from service.domain.errors import InconsistentImages, NoUsableFace
from service.domain.face import (
    CameraFrames,
    EmbeddedFace,
    Embedding,
    FaceCrop,
    Faces,
    FaceSource,
    GivenEmbedding,
    Photograph,
    Reason,
    Refusal,
    Sample,
    Stream,
    VideoFrames,
)
from service.domain.ports import NO_TELEMETRY, Capture, FaceEngine, Telemetry
from service.domain.quality import judged, refused_sample, sample_of
from service.domain.template import PlainTemplate, disagreeing, embedding_of, template_of
from service.domain.thresholds import Calibration


@dataclass(frozen=True, slots=True)
class Probe:
    """One person's template and the samples it was made of (none where an embedding was given, which
    counts as one).
    """

    template: PlainTemplate
    samples: Sequence[Sample] = ()

    @property
    def embedding(self) -> Embedding:
        return self.template.embedding

    @property
    def images_used(self) -> int:
        return sum(sample.accepted for sample in self.samples)


class Sampler:
    """Turns a face source into a probe. What shows too little is refused before it is compared."""

    def __init__(
        self,
        engine: FaceEngine,
        capture: Capture,
        calibration: Calibration,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._engine = engine
        self._capture = capture
        self._agreement = calibration.agreement
        self._limits = calibration.quality
        self._telemetry = telemetry

    def probe(self, source: FaceSource, faces: Faces = Faces.ONE) -> Probe:
        """`faces`: which photographs have a face that counts. Raises `NoUsableFace`, `InconsistentImages`, `InvalidEmbedding` and what capture raises."""
        if isinstance(source, GivenEmbedding):
            return Probe(template_of([embedding_of(source.numbers, self._engine.dimensions)]))
        samples = self.samples(source, faces)
        embeddings = [sample.embedding for sample in samples if sample.embedding is not None]
        if not embeddings:
            raise NoUsableFace(samples)
        if strangers := disagreeing(embeddings, self._agreement):
            raise InconsistentImages(_marked(samples, strangers))
        return Probe(template_of(embeddings), samples)

    def samples(self, source: FaceSource, faces: Faces = Faces.ONE) -> list[Sample]:
        """What becomes of each photograph, in order."""
        if isinstance(source, GivenEmbedding):
            return []
        if isinstance(source, CameraFrames | VideoFrames):
            return self._samples_of_stream(source, faces)
        return self._samples_of(self._capture.stills(source), faces)

    def _samples_of(self, photographs: Sequence[Photograph], faces: Faces) -> list[Sample]:
        """All faces go through the model in one batch."""
        with self._telemetry.stage("detect"):
            detections = self._engine.detect(photographs, faces)
        seen = [judged(found, self._limits) for found in detections]
        crops = [found for found in seen if isinstance(found, FaceCrop)]
        embedded: Iterator[EmbeddedFace] = iter(())
        if crops:
            with self._telemetry.stage("embed"):
                embedded = iter(self._engine.embed(crops))
        return [
            refused_sample(found)
            if isinstance(found, Refusal)
            else sample_of(found, next(embedded), self._limits)
            for found in seen
        ]

    def _samples_of_stream(self, stream: Stream, faces: Faces) -> list[Sample]:
        """Frames of use, at most `max_frames`; of a stream without any, its last refusal.

        Each is embedded as it comes, since that tells whether a better one must be waited for.
        """
        accepted: list[Sample] = []
        last: list[Sample] = []
        with self._capture.frames(stream) as frames:
            for frame in frames:
                last = self._samples_of([frame], faces)
                accepted.extend(sample for sample in last if sample.accepted)
                if len(accepted) == stream.max_frames:
                    break
        return accepted or last


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
