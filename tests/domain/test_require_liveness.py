"""Which face sources a collection takes, for what."""

from __future__ import annotations

from uuid import uuid4

import pytest

from service.domain.collection import CollectionSettings, RequireLiveness
from service.domain.errors import LivenessRequired
from service.domain.face import (
    CameraFrames,
    DirectoryImages,
    FaceSource,
    GivenEmbedding,
    ImageFiles,
    ProvenFrame,
    Uploads,
    VideoFrames,
)
from service.domain.liveness_session import Purpose

UNPROVEN: list[FaceSource] = [
    Uploads([]),
    GivenEmbedding([]),
    CameraFrames(1),
    VideoFrames("v", 1),
    DirectoryImages("d", 1),
    ImageFiles([]),
]
REQUIRED = {
    RequireLiveness.NONE: set(),
    RequireLiveness.VERIFY: {Purpose.VERIFY},
    RequireLiveness.ENROLL: {Purpose.ENROLL},
    RequireLiveness.BOTH: {Purpose.VERIFY, Purpose.ENROLL},
}


@pytest.mark.parametrize("rule", RequireLiveness)
def test_rule_holds_for_what_it_says(rule: RequireLiveness) -> None:
    settings = CollectionSettings(require_liveness=rule)
    assert {each for each in Purpose if settings.requires_liveness(each)} == REQUIRED[rule]


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("rule", RequireLiveness)
def test_only_a_session_proves(rule: RequireLiveness, purpose: Purpose) -> None:
    settings = CollectionSettings(require_liveness=rule)
    settings.require_proven(ProvenFrame(uuid4()), purpose)
    for source in UNPROVEN:
        if purpose in REQUIRED[rule]:
            with pytest.raises(LivenessRequired):
                settings.require_proven(source, purpose)
        else:
            settings.require_proven(source, purpose)


def test_nothing_is_required_by_default() -> None:
    assert CollectionSettings().require_liveness is RequireLiveness.NONE
