"""Libraries that would send usage data are told not to, before their first import.

`service/__init__` calls this, so it holds for whatever imports any part of the package: the command line, a
server's workers, bulk runs, processes of a Ray cluster, scripts and other people's programs.
docs/privacy.md lists every library that was looked at.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"

_NOBODY_LISTENS = f"http://{LOOPBACK}:1"

USAGE_DATA_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""onnxruntime ≥ 1.29 reads its variable once, at its first import; `disable_telemetry_events()` afterwards
stops neither the device id in the home folder nor the look-up of its maker's host (seen by strace)."""


def switch_off_usage_data() -> None:
    """Overrules what the environment says. Warns where onnxruntime was imported before this."""
    came_too_late = "onnxruntime" in sys.modules and not _is_off()
    os.environ.update(USAGE_DATA_OFF)
    if came_too_late:
        warnings.warn(
            "onnxruntime was imported before `service` and sends usage data to its maker from this "
            "process: import `service` first, or set ORT_DISABLE_TELEMETRY=1",
            RuntimeWarning,
            stacklevel=3,
        )


def _is_off() -> bool:
    return os.environ.get("ORT_DISABLE_TELEMETRY") == "1"


@contextmanager
def ray_environment(address: str | None) -> Iterator[None]:
    """What Ray reads from the environment while it is imported and started, to keep to this machine.

    Around the import of Ray and the run. `address`: of a cluster; None: one of this machine
    alone.
    """
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
