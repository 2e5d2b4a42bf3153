"""Every sentence of the pages is there in Korean and in English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.api.pages import FILES
from tests.pages.sentences import Name, sentences

PAGES: tuple[Name, ...] = ("kiosk", "console")
_NAME = re.compile(r"\{(\w+)\}")


def _used(page: str) -> set[str]:
    """Keys that the page's own HTML names."""
    html = (FILES / page / "index.html").read_text("utf-8")
    return set(re.findall(r'data-(?:text|label|hint)="([^"]+)"', html))


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_sentences(page: Name) -> None:
    korean, english = sentences(page, "ko"), sentences(page, "en")
    assert list(korean) == list(english)
    for key, sentence in korean.items():
        assert set(_NAME.findall(sentence)) == set(_NAME.findall(english[key])), key


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_is_left_in_the_other_language(page: Name) -> None:
    english = sentences(page, "en").items()
    assert not [key for key, text in english if re.search("[가-힣]", text) and key != "language"]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_only_sentences_that_there_are(page: Name) -> None:
    assert _used(page) <= set(sentences(page, "ko"))


def _scripts() -> list[Path]:
    return sorted(FILES.rglob("*.js"))


@pytest.mark.parametrize("script", _scripts(), ids=lambda path: str(path.relative_to(FILES)))
def test_scripts_are_short_and_load_nothing_from_elsewhere(script: Path) -> None:
    text = script.read_text("utf-8")
    assert len(text.splitlines()) < 300 or script.stem in ("ko", "en")
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)\w", text)
    assert not re.findall(r"localStorage|sessionStorage|indexedDB|\.cookie|innerHTML", text)
