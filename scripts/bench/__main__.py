"""`python -m scripts.bench [--only NAME ...] [--small] [--out FOLDER]`"""

from __future__ import annotations

import sys

EXTRA_MISSING = """\
python -m scripts.bench needs {package}, which is not installed. Install the extra `bench`:
    {python} -m pip install -c requirements.lock ".[bench]"\
"""


def main() -> int:
    """The status of the run, or a sentence that says what to install, and 1, where the extra is missing."""
    try:
        from scripts.bench import run
    except ModuleNotFoundError as error:
        sys.exit(EXTRA_MISSING.format(package=error.name, python=sys.executable))
    return run.main()


if __name__ == "__main__":
    sys.exit(main())
