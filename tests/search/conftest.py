"""FAISS in the tests' own thread, as in the service's: alone."""

from __future__ import annotations

from service.search.two_bits import threads_of_its_own

threads_of_its_own()
