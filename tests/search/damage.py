"""Memory that has been written over."""

from __future__ import annotations

from typing import Any

import faiss

from service.search.collection_index import Codes
from service.search.eight_bits import EIGHT_BITS, EightBitCodes
from service.search.two_bits import TWO_BITS, TwoBitCodes

KINDS = {"two bits": TWO_BITS, "eight bits": EIGHT_BITS}


def write_over(codes: Codes) -> None:
    """All rows' codes become the same ones."""
    if isinstance(codes, TwoBitCodes):
        index: Any = faiss.downcast_index(codes._index)
        faiss.rev_swig_ptr(index.codes.get(), index.codes.size())[:] = 0xAA
    if isinstance(codes, EightBitCodes):
        for block in codes._blocks:
            block[:] = 0xAA
