"""Under which license a model's weights may be used, by its name: the code's own says nothing about them."""

from __future__ import annotations

from enum import StrEnum

DLIB = "dlib"
"""The name of the one model that is no pack."""

QUANTIZED = "_int8"
"""What `face quantize` puts behind the name of a pack, whose license stays."""


class License(StrEnum):
    CC0 = "cc0"
    OPENCV = "opencv"
    INSIGHTFACE = "insightface"
    UNKNOWN = "unknown"

    @property
    def spdx(self) -> str:
        """As an SPDX expression, for machines."""
        return _EXPRESSIONS[self]

    @property
    def notice(self) -> str:
        """For the log, which is English; `service/texts` has the operator's language."""
        return _NOTICES[self]


_EXPRESSIONS = {
    License.CC0: "CC0-1.0",
    License.OPENCV: "MIT AND Apache-2.0",
    License.INSIGHTFACE: "LicenseRef-InsightFace-research-only",
    License.UNKNOWN: "NOASSERTION",
}

_NOTICES = {
    License.CC0: "Its weights are CC0: free for any use.",
    License.OPENCV: "Its detector, YuNet, is under the MIT license, its recognizer, SFace, under Apache-2.0.",
    License.INSIGHTFACE: "InsightFace's public model packs are for non-commercial research only; ask InsightFace "
    "for a license before any other use, or set FACE_MODEL_NAME=sface or dlib.",
    License.UNKNOWN: "Its license is up to whoever made this pack; InsightFace's public packs are for "
    "non-commercial research only.",
}

_BY_NAME = {DLIB: License.CC0, "sface": License.OPENCV} | dict.fromkeys(
    ("antelopev2", "buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc"), License.INSIGHTFACE
)


def license_of(model_name: str) -> License:
    return _BY_NAME.get(model_name.removesuffix(QUANTIZED), License.UNKNOWN)
