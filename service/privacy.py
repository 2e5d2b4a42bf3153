"""Libraries that would send usage data are told not to, before their first import.

`service/__init__` calls this, so it holds for whatever imports any part of the package: the command line, a
server's workers, bulk runs, processes of a Ray cluster, scripts and other people's programs.
docs/privacy.md lists every library that was looked at.
"""

from __future__ import annotations

import os
import sys
import warnings

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
