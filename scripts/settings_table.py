"""The table of all settings, as Markdown, from `AppConfig`: in Korean for files named `….ko.md`.
Run it by the Python of `.venv`.

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

from scripts import settings_ko
from service.config import AppConfig

START, END = "<!-- settings:start -->", "<!-- settings:end -->"
_HEAD = "| field | environment | default | meaning |"
_RULE = "| --- | --- | --- | --- |"
_NONE, _SEE_RIGHT = "none", "see right"


class NoMarkers(Exception):
    """The file has no place for the table."""


def settings_table(*, korean: bool = False) -> str:
    prefix = AppConfig.model_config["env_prefix"]
    none = settings_ko.NONE if korean else _NONE
    see_right = settings_ko.SEE_RIGHT if korean else _SEE_RIGHT
    rows = [settings_ko.HEAD if korean else _HEAD, _RULE]
    for name, field in AppConfig.model_fields.items():
        default = see_right if name == "data_dir" else _default(field, none)
        meaning = settings_ko.MEANINGS[name] if korean else field.description or ""
        shown = meaning.replace("|", "\\|")
        rows.append(f"| `{name}` | `{prefix}{name.upper()}` | {default} | {shown} |")
    return "\n".join(rows)


def table_of(file: Path) -> str:
    return settings_table(korean=file.name.endswith(".ko.md"))


def with_table(text: str, table: str, start: str = START, end: str = END) -> str:
    """`text` with `table` between the markers. Raises `NoMarkers`."""
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise NoMarkers
    return f"{before}{start}\n{table}\n{end}{after}"


def _default(field: FieldInfo, none: str) -> str:
    default = field.default
    if default is PydanticUndefined or default is None or default == ():
        return none
    text = default.as_posix() if isinstance(default, PurePath) else default
    return f"`{json.dumps(text)}`" if not isinstance(text, str) else f"`{text}`"


def outdated(files: list[Path]) -> list[Path]:
    return [file for file in files if _read(file) != with_table(_read(file), table_of(file))]


def _read(file: Path) -> str:
    return file.read_text("utf-8")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", nargs="+", type=Path, default=[])
    parser.add_argument("--write", nargs="+", type=Path, default=[])
    options = parser.parse_args()
    for file in options.write:
        file.write_text(with_table(_read(file), table_of(file)), "utf-8")
    wrong = outdated(options.check)
    for file in wrong:
        print(f"{file}: the table of settings is outdated", file=sys.stderr)
    if not options.write and not options.check:
        print(settings_table())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
