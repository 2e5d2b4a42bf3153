"""Headers that keep browsers from doing anything with an answer but showing it to who asked.

No Cross-Origin Resource Sharing: keys are for programs, and a page from elsewhere that holds one
must not read answers about faces.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Raw: TypeAlias = list[tuple[bytes, bytes]]
"""As ASGI has them: names in small letters."""

HSTS_SECONDS = 365 * 24 * 60 * 60
"""How long a browser that saw TLS here refuses plain HTTP. Other hosts of the domain are not ours."""

NOTHING_ACTIVE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that are data: nothing in them is loaded, run, framed or submitted."""

_DEFAULTS: Raw = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", NOTHING_ACTIVE.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]

_TLS_ONLY = (b"strict-transport-security", f"max-age={HSTS_SECONDS}".encode())


def secured(headers: Iterable[tuple[bytes, bytes]], *, over_tls: bool) -> Raw:
    """`headers`, and what they have not said for themselves."""
    whole = list(headers)
    said = {name for name, _ in whole}
    whole += [default for default in _DEFAULTS if default[0] not in said]
    if over_tls:
        whole.append(_TLS_ONLY)
    return whole
