"""What comes of one try of a call: its answer, its error, or another try after a pause."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, cast

import httpx

from face_client.call import Answer, Call
from face_client.errors import ServiceUnreachable, UnexpectedAnswer, problem_of

Outcome = httpx.Response | httpx.TransportError

LOST = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
"""A connection that did not come about or broke. One that is silent until the timeout is not tried again:
the service may be at work for it still.
"""

FIRST_PAUSE = 0.5
"""Seconds where the service names none; each further one is twice as long."""


@dataclass(frozen=True)
class Retries:
    """`most`: further tries of one call. `longest_wait`: seconds; a call that is to wait longer fails at once."""

    most: int = 2
    longest_wait: float = 10.0

    def pause_after(self, call: Call[Any], outcome: Outcome, tries: int) -> float | None:
        """Seconds until the next try, None for none. `tries`: how many there were."""
        if tries > self.most or not _may_come_right(call, outcome):
            return None
        pause = retry_after(outcome)
        if pause is None:  # spread, so that many clients do not come back together
            pause = FIRST_PAUSE * 2 ** (tries - 1) * random.uniform(0.5, 1.0)  # noqa: S311
        return pause if pause <= self.longest_wait else None


def _may_come_right(call: Call[Any], outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.TransportError):
        return call.repeatable and isinstance(outcome, LOST)
    if outcome.status_code in call.accepted:
        return False
    if outcome.status_code == 503:
        return call.repeatable or _document(outcome).get("code") == "overloaded"
    return outcome.status_code == 429


def retry_after(outcome: Outcome) -> float | None:
    """The header's seconds. A date, as some proxies send, is as none."""
    if isinstance(outcome, httpx.TransportError):
        return None
    seconds = outcome.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None


def answer_of(call: Call[Answer], outcome: Outcome) -> Answer:
    """What the service answered. Raises `FaceClientError`."""
    if isinstance(outcome, httpx.TransportError):
        raise ServiceUnreachable(f"{type(outcome).__name__}: {outcome}") from outcome
    if outcome.is_success or outcome.status_code in call.accepted:
        return cast("Answer", _content(outcome))
    document = _document(outcome)
    if isinstance(document.get("code"), str):
        raise problem_of(outcome.status_code, document, retry_after(outcome))
    if outcome.is_redirect:
        sentence = "a redirect, which is not followed: give the client the address it leads to"
        raise UnexpectedAnswer(outcome.status_code, sentence)
    raise UnexpectedAnswer(outcome.status_code, "no problem document of the service")


def _content(response: httpx.Response) -> Any:  # noqa: ANN401
    if response.headers.get("Content-Type", "").startswith("text/plain"):
        return response.text
    try:
        return response.json()
    except ValueError:
        raise UnexpectedAnswer(response.status_code, "no JSON") from None


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
