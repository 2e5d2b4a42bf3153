"""Which collection a call is about, once its caller is known to be let in there.

A route asks for its collection by one of these types, or has it in its body, where
`reading.body_of` makes the same check.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query

from service.api.bodies import CollectionName
from service.api.caller import AdminCaller
from service.domain.collection import DEFAULT_COLLECTION


def _in_query(
    caller: AdminCaller, collection: Annotated[CollectionName, Query()] = DEFAULT_COLLECTION
) -> str:
    caller.require_collection(collection)
    return collection


def _in_path(caller: AdminCaller, collection: Annotated[CollectionName, Path()]) -> str:
    caller.require_collection(collection)
    return collection


QueryCollection = Annotated[str, Depends(_in_query)]
PathCollection = Annotated[str, Depends(_in_path)]
