"""Which faces count in the photographs of a collection is remembered from one call to the next."""

from __future__ import annotations

from service.domain.collection import Collection
from service.domain.face import Faces
from service.domain.liveness_session import Purpose

MOST_RULES = 1_000
"""Collections whose rule is remembered."""


class FaceRules:
    """By which rule faces counted in the collections of the last calls: a call goes by it, and need not read the
    collection before it has to anyway. Only where it still holds then does the call. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._rules: dict[str, Faces] = {}

    def of(self, name: str) -> Faces | None:
        """Of the collection of this name; None where that must be read."""
        return self._rules.get(name)

    def note(self, collection: Collection, rule: Faces) -> None:
        """As it was read. Where somebody living must be seen, no model runs before that is looked up."""
        if collection.settings.requires_liveness(Purpose.VERIFY):
            self.forget(collection.name)
            return
        if len(self._rules) >= MOST_RULES:
            self._rules.clear()
        self._rules[collection.name] = rule

    def forget(self, name: str) -> None:
        self._rules.pop(name, None)
