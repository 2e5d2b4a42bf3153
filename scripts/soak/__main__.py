"""Run by the Python of `.venv`: `python -m scripts.soak --seconds 300`.

Starts a server of its own on loopback, with a database of its own, and lets hostile and honest
callers at it together. Status 0: the honest ones were answered, and memory did not grow.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import psutil

from scripts.bench.databases import own_server
from scripts.bench.serving import Installation
from scripts.bench.setup import Setup
from scripts.soak.run import Target, soak
from service import AppConfig


def main() -> int:
    config = AppConfig()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--model-root", type=Path, default=config.model_root)
    parser.add_argument("--model-name", default=config.model_name)
    given = parser.parse_args()
    with own_server(None) as databases, databases.fresh() as url:
        setup = Setup(given.model_root, given.model_name, Path(), databases)
        installation = Installation(setup, url)
        key = _key(installation, "honest", "enroll", "verify", "embedding")
        token_key = _key(installation, "hostile", "token")
        with installation.serving() as (_, port):
            target = Target(port, _server_process(port), key, token_key)
            report = soak(target, given.seconds)
    for line in (*report.lines(), *report.problems):
        print(line)
    return 1 if report.problems else 0


def _key(installation: Installation, name: str, *scopes: str) -> str:
    wanted = [word for scope in scopes for word in ("--scope", scope)]
    return installation.face("apikey", "create", name, *wanted).strip()


def _server_process(port: int) -> int:
    """The child that listens there."""
    for child in psutil.Process().children(recursive=True):
        if str(port) in child.cmdline():
            return int(child.pid)
    raise ProcessLookupError(port)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
