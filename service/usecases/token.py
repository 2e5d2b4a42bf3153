"""Face to embedding; nothing is stored."""

from __future__ import annotations

from service.domain.face import Embedding
from service.domain.source import FaceSource
from service.usecases.sampling import Sampler


class MakeToken:
    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def __call__(self, source: FaceSource) -> Embedding:
        """The template of the photographs. Raises what `Sampler.probe` raises."""
        return self._sampler.probe(source).embedding
