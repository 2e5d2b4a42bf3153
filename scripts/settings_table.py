"""The table of all settings, as Markdown, from `AppConfig`. Run it by the Python of `.venv`.

python scripts/settings_table.py                        print it
python scripts/settings_table.py --check README.md ...  status 1 where a file has another one
python scripts/settings_table.py --write README.md ...  put it between the markers
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path, PurePath

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.config import AppConfig

START, END = "<!-- settings:start -->", "<!-- settings:end -->"
_HEAD = ("| field | environment | default | meaning |", "| --- | --- | --- | --- |")
_FACTORY_DEFAULTS = {"data_dir": "see right", "threshold_profiles": "none"}
"""What to show where the default depends on the machine or is an empty mapping."""


class NoMarkers(Exception):
    """The file has no place for the table."""


def settings_table() -> str:
    prefix = AppConfig.model_config["env_prefix"]
    rows = [
        f"| `{name}` | `{prefix}{name.upper()}` | {_default(name, field)} | {_meaning(field)} |"
        for name, field in AppConfig.model_fields.items()
    ]
    return "\n".join([*_HEAD, *rows])


def with_table(text: str, table: str, start: str = START, end: str = END) -> str:
    """`text` with `table` between the markers. Raises `NoMarkers`."""
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise NoMarkers
    return f"{before}{start}\n{table}\n{end}{after}"


def _default(name: str, field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return _FACTORY_DEFAULTS[name]
    if default is None or default == ():
        return "none"
    text = default.as_posix() if isinstance(default, PurePath) else default
    return f"`{json.dumps(text)}`" if not isinstance(text, str) else f"`{text}`"


def _meaning(field: FieldInfo) -> str:
    return (field.description or "").replace("|", "\\|")


def outdated(files: list[Path], table: str) -> list[Path]:
    return [file for file in files if _read(file) != with_table(_read(file), table)]


def _read(file: Path) -> str:
    return file.read_text("utf-8")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", nargs="+", type=Path, default=[])
    parser.add_argument("--write", nargs="+", type=Path, default=[])
    options, table = parser.parse_args(), settings_table()
    for file in options.write:
        file.write_text(with_table(_read(file), table), "utf-8")
    wrong = outdated(options.check, table)
    for file in wrong:
        print(f"{file}: the table of settings is outdated", file=sys.stderr)
    if not options.write and not options.check:
        print(table)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
