"""From a fresh checkout to a running service that has proved itself on real photographs.

    python3 scripts/quickstart.py [--once] [--photos DIR] [--device cpu|cuda|directml]

Needs Python >= 3.11 and pip; everything else is installed into `.venv`.
"""

from __future__ import annotations

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - older ones get here and are told so
    sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0])

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.tour.guide import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
