"""What scripts that generate files are asked for: to print it, to check what is kept, or to write it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def print_check_or_write(shown: Callable[[], str], wanted: Callable[[], Mapping[Path, str]]) -> int:
    """The exit status: 1 for `--check` where a file has another text than is `wanted`. `shown`: what is
    printed without an option.
    """
    parser = argparse.ArgumentParser()
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true")
    what.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.write:
        for file, text in wanted().items():
            file.write_text(text, "utf-8")
    elif options.check:
        outdated = [file for file, text in wanted().items() if file.read_text("utf-8") != text]
        for file in outdated:
            print(f"{file} is outdated: see --write", file=sys.stderr)
        return 1 if outdated else 0
    else:
        print(shown().rstrip("\n"))
    return 0
