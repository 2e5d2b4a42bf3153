"""One path in the Unicode form in which it is written on the disk.

macOS writes Hangul as its single letters (NFD), spreadsheets and keyboards as syllables (NFC); to Linux these
are different names.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path


def as_on_disk(path: Path) -> Path:
    """The same path, each part of it in the form that exists; as it is where none does."""
    if os.path.lexists(path):
        return path
    found = Path(path.anchor)
    for part in path.parts[1 if path.anchor else 0 :]:
        forms = (part, unicodedata.normalize("NFC", part), unicodedata.normalize("NFD", part))
        found /= next((form for form in forms if os.path.lexists(found / form)), part)
    return found
