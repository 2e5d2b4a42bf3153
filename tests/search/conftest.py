"""FAISS in the tests' own thread, as in the service's: alone."""

from __future__ import annotations

from service.search.two_bits import use_calling_thread_alone

use_calling_thread_alone()
