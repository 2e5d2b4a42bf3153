"""JSON bodies, bounded before they are parsed and in UTF-8."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from service.api.field_problems import MOST_CHARACTERS_OF_A_NAME, invalid_request
from service.api.models import Camel
from service.domain.errors import FieldProblem, ImageTooLarge, InvalidRequest, TooManyImages

Body = TypeVar("Body", bound=Camel)

MOST_PIECES = 16 * 1024
"""Commas and opening brackets, those in texts included: an embedding has 512, and no other field
hundreds. Each becomes an object of 30 to 100 bytes when parsed.
"""

CHARACTERS_OF_AN_ESCAPE = 16
"""Of so many characters one may be a backslash, beyond `ESCAPES` of them: base64 in lines of 64 whose
slashes are escaped, as PHP writes them, has one in 22. A text of escapes alone takes ten times as long
to read as another, and nothing else of the process runs meanwhile.
"""

ESCAPES = 16 * 1024

MOST_NAMES = 1024
"""Of one object; `metadata` of the greatest length has 700. Each unknown one becomes a finding."""

_IMAGES = re.compile(rb'"images"\s*:\s*\[([^\]]*)')


@dataclass(frozen=True, slots=True)
class ImageTextLimits:
    """`number`: images of a request. `size`: bytes of each, before they are written in base64."""

    number: int
    size: int

    @property
    def characters(self) -> int:
        """Of the text of one, in lines of 64 as RFC 1421 has them, with a head of a `data:` URL."""
        return self.size * 4 // 3 * 66 // 64 + 1024


def json_of(content: bytes, shape: type[Body], limits: ImageTextLimits) -> Body:
    """`content` as a `shape`. Raises `InvalidRequest`, `TooManyImages`, `ImageTooLarge`."""
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_PIECES:
        raise _too_many(content, limits.number)
    if content.count(b"\\") > ESCAPES + len(content) // CHARACTERS_OF_AN_ESCAPE:
        raise _invalid(FieldProblem.INVALID)
    _check_images(_distinct(content).get("images"), limits)
    try:
        return shape.model_validate_json(content, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise invalid_request(error.errors(include_input=False, include_url=False), shape) from None


def _check_images(images: object, limits: ImageTextLimits) -> None:
    """Before any is decoded: that takes seconds where one is as long as all together may be."""
    if not isinstance(images, list):
        return
    if len(images) > limits.number:
        raise TooManyImages(limit=limits.number)
    if any(isinstance(one, str) and len(one) > limits.characters for one in images):
        raise ImageTooLarge(limit=f"{limits.size / 1024**2:g} MiB")


def _distinct(content: bytes) -> Mapping[str, Any]:
    """The outermost object, in which no name is given twice: parsers differ on which of them
    counts. What else is wrong is pydantic's to find.
    """
    try:
        whole = json.loads(content.decode(), object_pairs_hook=_object, parse_int=len)
    except UnicodeDecodeError:
        raise _invalid(FieldProblem.NOT_UTF_8) from None
    except (ValueError, RecursionError):
        raise _invalid(FieldProblem.NOT_JSON) from None
    return whole if isinstance(whole, dict) else {}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_NAMES:
        raise _invalid(FieldProblem.TOO_LONG, values=MOST_NAMES)
    whole: dict[str, Any] = {}
    for name, value in pairs:
        if name in whole:
            raise _invalid(FieldProblem.REPEATED, name)
        whole[name] = value
    return whole


def _too_many(content: bytes, most_images: int) -> InvalidRequest | TooManyImages:
    images = _IMAGES.search(content)
    if images is not None and images[1].count(b",") >= 2 * most_images:  # `data:` has one as well
        return TooManyImages(limit=most_images)
    return _invalid(FieldProblem.TOO_LONG, values=MOST_PIECES)


def _invalid(problem: FieldProblem, field: str = "body", **allowed: object) -> InvalidRequest:
    name = field[:MOST_CHARACTERS_OF_A_NAME]
    return InvalidRequest([{"field": name, "problem": problem, "allowed": allowed}])
