"""Headers that keep browsers from doing anything with an answer but showing it to who asked.

No Cross-Origin Resource Sharing: keys are for programs, and a page from elsewhere that holds one
must not read answers about faces.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

HSTS_SECONDS = 365 * 24 * 60 * 60
"""How long a browser that saw TLS here refuses plain HTTP. Other hosts of the domain are not ours."""

NOTHING_ACTIVE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that are data: nothing in them is loaded, run, framed or submitted."""

_DEFAULTS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": NOTHING_ACTIVE,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def secure(headers: MutableHeaders, *, over_tls: bool) -> None:
    """Adds to `headers` what the answer has not said for itself."""
    for name, value in _DEFAULTS.items():
        headers.setdefault(name, value)
    if over_tls:
        headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
