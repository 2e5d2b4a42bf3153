"""The page that the `type` of a problem leads to: a section for each code, in Korean and in English.

It is served from here, since a closed network reaches no other address, and it is the same for everybody.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.api.problems import ERRORS, kinds_by_code, status_of
from service.api.swagger import inline_sources
from service.domain.errors import FaceError
from service.texts import CATALOGUE

router = APIRouter(include_in_schema=False)


@router.get(ERRORS)
def errors() -> HTMLResponse:
    """Every code: its status, what it means and what to do next."""
    page, policy = _page()
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


@cache
def _page() -> tuple[str, str]:
    """The page, and a policy by which it loads and runs nothing; its style is known by its hash."""
    title = " · ".join(texts["error_page.title"] for texts in CATALOGUE.values())
    kinds = sorted(kinds_by_code().items(), key=lambda item: (status_of(item[1]), item[0]))
    content = [_paragraphs("error_page.values"), *(_section(*item) for item in kinds)]
    template = Template(files(__package__).joinpath("error_page.html").read_text("utf-8"))
    page = template.substitute(title=title, content="\n".join(content))
    return page, _policy(page)


def _section(code: str, kind: type[FaceError]) -> str:
    words = _paragraphs(f"error.{code}.title", f"error.{code}.detail")
    heading = f"<h2>{status_of(kind)} <code>{code}</code></h2>"
    return f'<section id="{code}">\n{heading}\n{words}\n</section>'


def _paragraphs(*keys: str) -> str:
    """One for each language, of all the sentences."""
    sentences = {
        language: " ".join(texts[key] for key in keys) for language, texts in CATALOGUE.items()
    }
    told = (f'<p lang="{each}">{_marked_up(words)}</p>' for each, words in sentences.items())
    return "\n".join(told)


def _marked_up(words: str) -> str:
    """What stands between backticks, as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(words))


def _policy(page: str) -> str:
    (style,) = inline_sources(page, "style")
    none = ("default-src", "base-uri", "form-action", "frame-ancestors")
    return "; ".join([*(f"{name} 'none'" for name in none), f"style-src {style}"])
