"""The embedded database under the command line."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.cli.face import SECONDS, Face
from tests.cli.serving import database_runs


def test_two_commands_at_once_share_one_database_whose_key_stays(
    embedded_face: Face, data_dir: Path
) -> None:
    commands = [
        embedded_face.start("apikey", "create", name, "--scope=token") for name in ("a", "b")
    ]
    for command in commands:
        with command as process:
            _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err.decode()
    assert embedded_face("subjects", "list").status == 0
    key = (data_dir / "master.key").read_bytes()
    assert embedded_face("subjects", "list").status == 0
    assert (data_dir / "master.key").read_bytes() == key
    assert stat.S_IMODE((data_dir / "master.key").stat().st_mode) == 0o600
    assert not database_runs(data_dir)
