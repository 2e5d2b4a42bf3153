"""Callers who do everything right, and note how they are answered."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 60.0
_DIMENSIONS = 512


@dataclass(slots=True)
class Answers:
    """Of one kind of call. `statuses`: how often each; 0 for a call without an answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return self.statuses.total()

    @property
    def wrong(self) -> int:
        """Calls that were not answered by 200."""
        return self.calls - self.statuses[200]

    def within(self, share: float) -> float:
        """Seconds in which this share of the calls was answered."""
        return float(np.quantile(self.seconds, share)) if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody enrolled, by a vector of their own."""

    port: int
    key: str
    subject_id: str
    embedding: list[float]

    @classmethod
    def enrolled(cls, port: int, key: str, number: int) -> Person:
        vector = np.random.default_rng(number).standard_normal(_DIMENSIONS)
        embedding = (vector / np.linalg.norm(vector)).astype(float).tolist()
        person = cls(port, key, f"soak-{number}", embedding)
        status, _ = person.call("POST", "/enroll")
        if status != 201:
            raise RuntimeError(f"/enroll: {status}")
        return person

    def call(self, method: str, path: str) -> tuple[int, float]:
        """Status and seconds, on a connection of its own."""
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        body = json.dumps({"subjectId": self.subject_id, "embedding": self.embedding})
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        try:
            connection.request(method, path, body if method == "POST" else None, headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        return status, time.perf_counter() - started

    def go_on(self, answers: dict[str, Answers], stop: threading.Event) -> None:
        """Health, readiness and a verification, over and over."""
        calls = (("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/verify"))
        while not stop.wait(PAUSE_SECONDS):
            for method, path in calls:
                status, seconds = self.call(method, path)
                answers[path].statuses[status] += 1
                answers[path].seconds.append(seconds)
