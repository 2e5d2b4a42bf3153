"""Do the photographs of one request show one person?"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.domain.face import Embedding
from service.domain.template import cosine_similarity, disagreeing, normalize
from tests.domain.vectors import at_cosine, face_of, faces

AGREEMENT = 0.30


def _photos(name: str, count: int) -> list[Embedding]:
    """Different photographs of one face: each at cosine 0.8 from it, 0.64 from each other."""
    return [at_cosine(face_of(name), 0.8, f"{name}{number}") for number in range(count)]


def _chain() -> list[Embedding]:
    """Left profile, half profile, frontal, ...: each agrees with the next one only."""
    angle = np.arccos(AGREEMENT + 0.1)
    first, aside = face_of("kim").astype(np.float64), face_of("aside").astype(np.float64)
    across = normalize(aside - (aside @ first) * first)
    return [normalize(np.cos(n * angle) * first + np.sin(n * angle) * across) for n in range(3)]


def test_one_sample_agrees_with_itself() -> None:
    assert disagreeing([face_of("kim")], AGREEMENT) == ()


def test_no_samples_do_not_disagree() -> None:
    assert disagreeing([], AGREEMENT) == ()


def test_photographs_of_one_person_agree() -> None:
    assert disagreeing(_photos("kim", 5), AGREEMENT) == ()


@given(faces, st.integers(1, 6))
def test_copies_of_one_photograph_agree(face: Embedding, count: int) -> None:
    assert disagreeing([face] * count, AGREEMENT) == ()


def test_copies_agree_even_where_rounding_leaves_their_cosine_below_one() -> None:
    assert disagreeing([face_of("kim")] * 3, 0.9999) == ()


def test_two_people_are_told_apart() -> None:
    assert disagreeing([face_of("kim"), face_of("lee")], AGREEMENT) == (1,)


def test_smaller_group_disagrees() -> None:
    lee, *kims = [*_photos("lee", 1), *_photos("kim", 3)]
    assert disagreeing([lee, *kims], AGREEMENT) == (0,)
    assert disagreeing([kims[0], lee, *kims[1:]], AGREEMENT) == (1,)


def test_of_groups_of_one_size_the_one_with_the_earliest_sample_stays() -> None:
    kims, lees = _photos("kim", 2), _photos("lee", 2)
    assert disagreeing([kims[0], lees[0], lees[1], kims[1]], AGREEMENT) == (1, 2)


def test_everybody_but_the_first_disagrees_where_all_are_strangers() -> None:
    assert disagreeing([face_of(name) for name in "abcd"], AGREEMENT) == (1, 2, 3)


def test_agreement_passes_on_along_a_chain() -> None:
    chain = _chain()
    assert cosine_similarity(chain[0], chain[2]) < AGREEMENT
    assert disagreeing(chain, AGREEMENT) == ()


def test_chain_without_its_middle_is_two_people() -> None:
    first, _, last = _chain()
    assert disagreeing([first, last], AGREEMENT) == (1,)


def test_cosine_exactly_at_the_threshold_agrees() -> None:
    pair = [face_of("kim"), at_cosine(face_of("kim"), 0.5)]
    exactly = float(np.stack(pair).astype(np.float64)[0] @ np.stack(pair).astype(np.float64)[1])
    assert disagreeing(pair, exactly) == ()
    assert disagreeing(pair, float(np.nextafter(exactly, 1.0))) == (1,)


groups = st.lists(st.integers(1, 3), min_size=1, max_size=3)


@given(groups, st.data())
def test_order_does_not_change_how_many_disagree(sizes: list[int], data: st.DataObject) -> None:
    samples = [photo for name, size in enumerate(sizes) for photo in _photos(str(name), size)]
    order = data.draw(st.permutations(range(len(samples))))
    shuffled = [samples[index] for index in order]
    assert len(disagreeing(shuffled, AGREEMENT)) == len(samples) - max(sizes)


@given(groups, st.data())
def test_order_does_not_change_who_disagrees_where_one_group_is_largest(
    sizes: list[int], data: st.DataObject
) -> None:
    sizes = [*sizes, max(sizes) + 1]
    samples = [photo for name, size in enumerate(sizes) for photo in _photos(str(name), size)]
    order = data.draw(st.permutations(range(len(samples))))
    shuffled = disagreeing([samples[index] for index in order], AGREEMENT)
    assert {order[position] for position in shuffled} == set(disagreeing(samples, AGREEMENT))


@given(groups)
def test_what_is_left_agrees(sizes: list[int]) -> None:
    samples = [photo for name, size in enumerate(sizes) for photo in _photos(str(name), size)]
    strangers = disagreeing(samples, AGREEMENT)
    left = [sample for index, sample in enumerate(samples) if index not in strangers]
    assert disagreeing(left, AGREEMENT) == ()
