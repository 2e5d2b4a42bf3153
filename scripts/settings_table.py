"""The table of all settings, as Markdown, from `AppConfig`: in Korean for files named `….ko.md`.
Run it by the Python of `.venv`.

python scripts/settings_table.py          print it
python scripts/settings_table.py --check  status 1 where docs/settings.md or docs/settings.ko.md has another one
python scripts/settings_table.py --write  put it between the markers of both
"""

from __future__ import annotations

import json
import sys
from pathlib import Path, PurePath

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts import settings_ko
from scripts.environment import ROOT
from scripts.generated_files import print_check_or_write
from scripts.markers import put_between_markers
from service.config import AppConfig

MARKERS = "settings"
PAGES = (ROOT / "docs" / "settings.md", ROOT / "docs" / "settings.ko.md")

_HEAD = "| field | environment | default | meaning |"
_RULE = "| --- | --- | --- | --- |"
_NONE, _SEE_RIGHT = "none", "see right"


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


def with_settings(page: Path) -> str:
    """The text of `page` with the table of today, in the page's language. Raises `NoMarkers`."""
    table = settings_table(korean=page.name.endswith(".ko.md"))
    return put_between_markers(page.read_text("utf-8"), MARKERS, table)


def outdated() -> list[Path]:
    """The pages that have another table."""
    return [page for page in PAGES if page.read_text("utf-8") != with_settings(page)]


def _default(field: FieldInfo, none: str) -> str:
    default = field.default
    if default is PydanticUndefined or default is None or default == ():
        return none
    text = default.as_posix() if isinstance(default, PurePath) else default
    return f"`{json.dumps(text)}`" if not isinstance(text, str) else f"`{text}`"


def main() -> int:
    return print_check_or_write(
        settings_table, lambda: {page: with_settings(page) for page in PAGES}
    )


if __name__ == "__main__":
    sys.exit(main())
