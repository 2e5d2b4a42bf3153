"""onnxruntime, which sends nothing: the one place of the package that imports it.

`service/privacy.py` has set its variable by now, as it does whenever anything of the package is imported.
"""

from __future__ import annotations

import onnxruntime

# Older than the variable, and so all that the build for DirectML knows: Windows' own event tracing.
onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
