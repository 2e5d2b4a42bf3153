"""A picture that shows too little is refused for what it lacks, decides nothing and counts against nobody."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageFilter

from tests.contract.collection_client import CollectionClient, code, ok

IN_A_ROW = 12

WORDS = {
    "too_blurred": ("blurred", "흐립니다"),
    "too_dark": ("dark", "어둡습니다"),
    "too_bright": ("bright", "밝습니다"),
    "turned": ("upright", "똑바로"),
    "covered": ("mask", "마스크"),
    "face_too_small": ("Come closer", "가까이"),
}
"""What the advice says, in English and in Korean."""

CASES = {
    "amy_blur20.jpg": "too_blurred",
    "sheldon_blur20.jpg": "too_blurred",
    "rot90.jpg": "turned",
    "rot180.jpg": "turned",
    "tiny32.jpg": "face_too_small",
}


def _png(image: Pillow.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _lit(image: Pillow.Image, share: float) -> Pillow.Image:
    return image.point(lambda value: min(255, round(value * share)))


@pytest.fixture(scope="module")
def altered(people: dict[str, list[Path]]) -> dict[str, bytes]:
    """The first photograph of the first person, by what it lacks."""
    with Pillow.open(next(iter(people.values()))[0]) as file:
        whole = file.convert("RGB")
    masked = whole.copy()
    width, height = whole.size
    masked.paste((200, 180, 160), (0, round(0.58 * height), width, height))
    return {
        "blurred": _png(whole.filter(ImageFilter.GaussianBlur(0.06 * width))),
        "dark": _png(_lit(whole, 1 / 14)),
        "upside down": _png(whole.rotate(180)),
        "quarter-turned": _png(whole.transpose(Pillow.Transpose.ROTATE_90)),
        "masked": _png(masked),
        "bright": _png(whole.point(lambda value: min(255, value + 125))),
    }


RIGHT = {
    "blurred": "too_blurred",
    "dark": "too_dark",
    "bright": "too_bright",
    "upside down": "turned",
    "quarter-turned": "turned",
    "masked": "covered",
}


def _refusal(client: CollectionClient, photo: bytes | Path, language: str) -> tuple[str, str]:
    answer = client.http.post(
        "/verify",
        data={"collection": client.collection, "subjectId": "kim"},
        files=[("images", ("photo", photo if isinstance(photo, bytes) else photo.read_bytes()))],
        headers={"Accept-Language": language},
    )
    assert code(answer) == (422, "no_usable_face")
    (problem,) = answer.json()["errors"]
    return problem["reason"], problem["advice"]


@pytest.mark.parametrize("alteration", RIGHT)
def test_reason_is_what_the_picture_lacks_and_the_advice_fits_in_both_languages(
    client: CollectionClient, altered: dict[str, bytes], alteration: str
) -> None:
    english, korean = WORDS[RIGHT[alteration]]
    reason, advice = _refusal(client, altered[alteration], "en")
    assert reason == RIGHT[alteration]
    assert english in advice
    assert korean in _refusal(client, altered[alteration], "ko")[1]


@pytest.mark.parametrize("name", CASES)
def test_pictures_that_came_out_wrong_are_told_their_reason(
    client: CollectionClient, cases: Path, name: str
) -> None:
    reason, advice = _refusal(client, cases / "images" / name, "en")
    assert reason == CASES[name]
    assert WORDS[reason][0] in advice


@pytest.mark.parametrize("alteration", ["blurred", "upside down", "masked"])
def test_nobody_is_enrolled_by_such_a_picture(
    client: CollectionClient, altered: dict[str, bytes], alteration: str
) -> None:
    assert code(client.enroll("kim", altered[alteration])) == (422, "no_usable_face")
    assert code(client.subject("kim")) == (404, "subject_not_found")


def test_such_pictures_in_a_row_lock_nobody(
    client: CollectionClient, altered: dict[str, bytes], portraits: list[Path]
) -> None:
    ok(client.enroll("kim", portraits[1]), 201)
    for turn in range(IN_A_ROW):
        photo = altered[list(RIGHT)[turn % len(RIGHT)]]
        assert code(client.verify("kim", photo)) == (422, "no_usable_face")
        assert code(client.enroll("kim", photo, mode="add")) == (422, "no_usable_face")
    assert ok(client.verify("kim", portraits[2]))["match"] is True


def test_the_rest_of_a_call_still_does(
    client: CollectionClient, altered: dict[str, bytes], portraits: list[Path]
) -> None:
    answer = ok(client.enroll("kim", altered["blurred"], portraits[0], portraits[1]), 201)
    assert answer["imagesUsed"] == 2
    assert [one["reason"] for one in answer["images"]] == ["too_blurred", None, None]
