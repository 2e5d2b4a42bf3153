"""A face source becomes one embedding, in the first half of every call; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.domain.collection import CollectionSettings
from service.domain.errors import (
    CollectionNotFound,
    InconsistentImages,
    ModelMismatch,
    NoUsableFace,
    Overloaded,
)
from service.domain.face import (
    CameraFrames,
    Detection,
    EmbeddedFace,
    Embedding,
    FaceCrop,
    Faces,
    FaceSource,
    GivenEmbedding,
    Photograph,
    ProvenFrame,
    Reason,
    Refusal,
    Sample,
    SampleSource,
    Seen,
    Stream,
    Uploads,
    VideoFrames,
)
from service.domain.ports import NO_TELEMETRY, Capture, FaceEngine, FrameObserver, Telemetry
from service.domain.quality import judged, refused_sample, sample_of
from service.domain.served_models import CollectionModels, ServedModel, ServedModels
from service.domain.template import PlainTemplate, disagreeing, embedding_of, template_of
from service.domain.thresholds import Calibration
from service.usecases.unlocked_collection import models_of, require_collection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.usecases.liveness_proof import LivenessProof, ProvenSession
    from service.usecases.liveness_session import LivenessRequest


@dataclass(frozen=True, slots=True)
class Probe:
    """One person's template and the samples it was made of (none where an embedding was given, which
    counts as one).

    `templates`: by model; more than one of them where people are moved to another model. `session`: of
    liveness, whose frame it was; None for any other source.
    """

    templates: Mapping[str, PlainTemplate]
    samples: Sequence[Sample] = ()
    session: ProvenSession | None = None

    @property
    def template(self) -> PlainTemplate:
        """Of the model that the photographs were accepted by."""
        return next(iter(self.templates.values()))

    def of(self, model_id: str) -> PlainTemplate:
        """Raises `Overloaded` where the collection came to another model since the photographs were
        looked at: they are to be sent again.
        """
        if model_id not in self.templates:
            raise Overloaded
        return self.templates[model_id]

    def by(self, models: CollectionModels) -> Sequence[tuple[ServedModel, PlainTemplate]]:
        """By each of the collection's models, the present one first, the next if it saw the face.

        Raises `Overloaded`.
        """
        found, following = [(models.present, self.of(models.present.model_id))], models.next
        if following is not None and following.model_id in self.templates:
            found.append((following, self.templates[following.model_id]))
        return found

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
        faces: Faces = Faces.ONE,
        *,
        embeddings_of: str | None = None,
        shows_faces: bool = False,
    ) -> None:
        """`faces`: which photographs have a face that counts, where a call does not say.
        `embeddings_of`: the model by which callers' embeddings are made, where that is another one;
        then none are taken. `shows_faces`: samples tell where each face was seen.
        """
        self._engine = engine
        self._capture = capture
        self._agreement = calibration.agreement
        self._limits = calibration.quality
        self._telemetry = telemetry
        self.faces = faces
        self.model_id = engine.model.model_id
        self._embeddings_of = embeddings_of
        self._shows_faces = shows_faces

    def probe(self, source: SampleSource, faces: Faces | None = None) -> Probe:
        """Raises `NoUsableFace`, `InconsistentImages`, `InvalidEmbedding` and what capture raises."""
        if isinstance(source, GivenEmbedding):
            return Probe({self.model_id: self._given(source)})
        samples = self.samples(source, faces)
        embeddings = [sample.embedding for sample in samples if sample.embedding is not None]
        if not embeddings:
            raise NoUsableFace(samples)
        if strangers := disagreeing(embeddings, self._agreement):
            raise InconsistentImages(_marked(samples, strangers))
        return Probe({self.model_id: template_of(embeddings)}, samples)

    def _given(self, source: GivenEmbedding) -> PlainTemplate:
        """Raises `InvalidEmbedding`, `ModelMismatch`."""
        if self._embeddings_of is not None:
            raise ModelMismatch(stored=self.model_id, served=self._embeddings_of)
        return template_of([embedding_of(source.numbers, self._engine.dimensions)])

    def same_faces(self, samples: Sequence[Sample], faces: Faces | None) -> PlainTemplate | None:
        """The template of what another model has accepted, by this one: of the same faces in the same
        photographs. None where this one sees too little of them, or not one person.
        """
        seen = [sample.seen for sample in samples if sample.accepted and sample.seen is not None]
        again = self._samples_of([each.photograph for each in seen], faces) if seen else []
        embeddings = [
            sample.embedding
            for sample, first in zip(again, seen, strict=True)
            if sample.embedding is not None and sample.seen and sample.seen.is_same_face(first)
        ]
        if not embeddings or disagreeing(embeddings, self._agreement):
            return None
        return template_of(embeddings)

    def samples(self, source: SampleSource, faces: Faces | None = None) -> list[Sample]:
        """What becomes of each photograph, in order."""
        if isinstance(source, GivenEmbedding):
            return []
        if isinstance(source, CameraFrames | VideoFrames):
            return self._samples_of_stream(source, faces)
        return self._samples_of(self._capture.stills(source), faces)

    def _samples_of(self, photographs: Sequence[Photograph], faces: Faces | None) -> list[Sample]:
        return self._embedded(photographs, self.looked_at(photographs, faces))

    def _embedded(
        self, photographs: Sequence[Photograph], seen: Sequence[Detection]
    ) -> list[Sample]:
        """All faces go through the model in one batch."""
        crops = [found for found in seen if isinstance(found, FaceCrop)]
        embedded: Iterator[EmbeddedFace] = iter(())
        if crops:
            with self._telemetry.stage("embed"):
                embedded = iter(self._engine.embed(crops))
        samples = [
            refused_sample(found)
            if isinstance(found, Refusal)
            else sample_of(found, next(embedded), self._limits)
            for found in seen
        ]
        return _showing(samples, photographs, seen) if self._shows_faces else samples

    def looked_at(self, photographs: Sequence[Photograph], faces: Faces | None) -> list[Detection]:
        """What is found in each photograph, and of use by its quality; nothing is embedded."""
        with self._telemetry.stage("detect"):
            detections = self._engine.detect(photographs, faces or self.faces)
        return [judged(found, self._limits) for found in detections]

    def observed(self, photograph: Photograph, observe: FrameObserver) -> Detection:
        """As `looked_at`, of one frame of a liveness session, whoever stands behind the person."""
        with self._telemetry.stage("detect"):
            [found] = self._engine.detect([photograph], Faces.DOMINANT, observe)
        return judged(found, self._limits)

    def embedding_of(self, crop: FaceCrop) -> Embedding:
        """However badly the recognizer sees it, as from the side."""
        with self._telemetry.stage("embed"):
            return self._engine.embed([crop])[0].embedding

    def probe_of(self, photograph: Photograph, crop: FaceCrop) -> Probe:
        """Of what `observed` has found in the photograph. Raises `NoUsableFace`."""
        samples = self._embedded([photograph], [crop])
        if samples[0].embedding is None:
            raise NoUsableFace(samples)
        return Probe({self.model_id: template_of([samples[0].embedding])}, samples)

    def _samples_of_stream(self, stream: Stream, faces: Faces | None) -> list[Sample]:
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


def _showing(
    samples: Sequence[Sample], photographs: Sequence[Photograph], found: Sequence[Detection]
) -> list[Sample]:
    """The same, each accepted one with its face."""
    return [
        replace(sample, seen=Seen(photograph, each.box))
        if sample.accepted and each.box is not None
        else sample
        for sample, photograph, each in zip(samples, photographs, found, strict=True)
    ]


def _marked(samples: Sequence[Sample], strangers: Sequence[int]) -> list[Sample]:
    """`samples`, those accepted ones at the positions `strangers` turned into refusals."""
    accepted = [index for index, sample in enumerate(samples) if sample.accepted]
    marked = {accepted[position] for position in strangers}
    return [
        replace(sample, embedding=None, reason=Reason.INCONSISTENT) if index in marked else sample
        for index, sample in enumerate(samples)
    ]


class PairSampler:
    """Makes probes of two models: of what the first accepts, the second sees the same faces in the same
    photographs. Where it sees too little there is a probe of the first alone.
    """

    def __init__(self, first: Sampler, second: Sampler) -> None:
        self._first = first
        self._second = second
        self.model_id = first.model_id

    def probe(self, source: SampleSource, faces: Faces | None = None) -> Probe:
        """Raises what `Sampler.probe` raises."""
        return self._joined(self._first.probe(source, faces), faces)

    def _joined(self, probe: Probe, faces: Faces | None) -> Probe:
        template = self._second.same_faces(probe.samples, faces)
        if template is None:
            return probe
        return replace(probe, templates={**probe.templates, self._second.model_id: template})

    def observed(self, photograph: Photograph, observe: FrameObserver) -> Detection:
        return self._first.observed(photograph, observe)

    def embedding_of(self, crop: FaceCrop) -> Embedding:
        return self._first.embedding_of(crop)

    def probe_of(self, photograph: Photograph, crop: FaceCrop) -> Probe:
        """Raises `NoUsableFace`."""
        return self._joined(self._first.probe_of(photograph, crop), Faces.DOMINANT)


@dataclass(frozen=True, slots=True)
class Look:
    """How photographs are looked at for a collection, by its settings. `model_ids`: by which models, the
    one that accepts them first.
    """

    model_ids: Sequence[str]
    settings: CollectionSettings


class Samplers:
    """One of each served model. `models`: which are served."""

    def __init__(
        self,
        storage: Storage,
        models: ServedModels,
        present: Sampler,
        beside: Sampler | None,
        liveness: LivenessProof,
    ) -> None:
        self._storage = storage
        self._liveness = liveness
        self._models = models
        self._present = present
        self._beside = beside

    def probe(
        self,
        source: FaceSource,
        needed: LivenessRequest,
        faces: Faces | None,
    ) -> Probe:
        """`needed`: what a liveness session must have been begun for. The call says itself which `faces` count or
        leaves it to the collection. Where that is said, and one model alone is served, nothing need be read.

        Raises `CollectionNotFound`, `ModelMismatch`, `LivenessRequired` where it is known before a model
        runs, and what `Sampler.probe` and `LivenessProof.probe` raise.
        """
        if isinstance(source, ProvenFrame):
            return self._liveness.probe(source, needed)
        if self._beside is None and (faces or isinstance(source, GivenEmbedding)):
            return self._present.probe(source, faces)
        look = self.look_at(needed.collection)
        look.settings.require_proven(source, needed.purpose)
        return self.of(look.model_ids).probe(source, faces or look.settings.faces)

    def look_at(self, collection_name: str) -> Look:
        """How photographs for this collection are looked at. Read by itself: no transaction may be open
        for as long as a model runs.

        Raises `CollectionNotFound`, `ModelMismatch`.
        """
        if self._beside is None:
            if (found := self._storage.find_collection(collection_name)) is None:
                raise CollectionNotFound
            return Look([self._models.present.model_id], found.settings)
        with self._storage.transaction() as tx:
            collection = require_collection(tx, collection_name)
            models = models_of(tx, collection, self._models)
            return Look([each.model_id for each in models.all], collection.settings)

    def rule_of(self, settings: CollectionSettings) -> Faces:
        """Which faces count in a collection's photographs, where a call does not say."""
        return settings.faces or self._present.faces

    def of(self, model_ids: Sequence[str]) -> Sampler | PairSampler:
        """`model_ids`: of `look_at`."""
        return sampler_of(model_ids, self._present, self._beside)


def sampler_of(
    model_ids: Sequence[str], present: Sampler, beside: Sampler | None
) -> Sampler | PairSampler:
    """Of the served models these. Raises `ModelMismatch` where one of them is not served."""
    served = {each.model_id: each for each in (present, beside) if each}
    for model_id in model_ids:
        if model_id not in served:
            raise ModelMismatch(stored=model_id, served=present.model_id)
    first, *second = (served[each] for each in model_ids)
    return PairSampler(first, second[0]) if second else first


class MakeToken:
    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def __call__(self, source: SampleSource, faces: Faces | None = None) -> Probe:
        """The template of the photographs. Raises what `Sampler.probe` raises."""
        return self._sampler.probe(source, faces)


class CheckPhotograph:
    """Tells whether a photograph would do, by detector and quality alone."""

    def __init__(self, sampler: Sampler, capture: Capture) -> None:
        self._sampler = sampler
        self._capture = capture

    def __call__(self, source: Uploads, faces: Faces | None = None) -> Detection:
        """`source`: one photograph. Raises `Overloaded` and what `Capture.stills` raises."""
        return self._sampler.looked_at(self._capture.stills(source), faces)[0]
