"""What Ray reads from the environment, while it is imported and started, to keep to this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"

_NOBODY_LISTENS = f"http://{LOOPBACK}:1"


@contextmanager
def ray_environment(address: str | None) -> Iterator[None]:
    """Around the import of Ray and the run. `address`: of a cluster; None: one of this machine alone."""
    changed = {} if address is not None else _alone()
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            _restore(name, value)


def _alone() -> Mapping[str, str]:
    exempt = [os.environ.get("no_proxy", os.environ.get("NO_PROXY", "")), LOOPBACK, "localhost"]
    return {
        # Else Ray turns 127.0.0.1 into an address that other machines reach, and listens on all of them.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # Usage statistics off, Ray 2.60 still asks three cloud providers' metadata hosts where it runs.
        "http_proxy": _NOBODY_LISTENS,
        "no_proxy": ",".join(filter(None, exempt)),
    }


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
