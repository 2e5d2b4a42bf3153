"""The client for C#: what only a compiler and a reader of its source can tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.errors_page import NOT_OVER_HTTP
from service.api.problems import kinds_by_code
from tests.contract.client_programs import FOLDER, compile_csharp

CLIENT = FOLDER / "csharp"
UNITY = "UNITY_5_3_OR_NEWER"


@pytest.mark.parametrize("version", [UNITY, f"{UNITY};UNITY_2020_2_OR_NEWER"])
def test_what_is_for_unity_is_compiled(tmp_path: Path, version: str) -> None:
    sources = CLIENT / "tests" / "UnityStandIn.cs", CLIENT / "examples" / "Door.cs"
    compiled = compile_csharp(tmp_path / "door.dll", *sources, options=[f"-define:{version}"])
    assert Path(compiled).is_file()


def test_codes_are_those_of_the_service() -> None:
    source = (CLIENT / "FaceClient" / "Codes.cs").read_text("utf-8")
    service = kinds_by_code().keys() - NOT_OVER_HTTP
    assert set(re.findall(r'= "(\w+)";', source)) == service


def test_client_needs_nothing_that_is_not_part_of_the_standard() -> None:
    used = {
        name
        for file in (CLIENT / "FaceClient").glob("*.cs")
        for name in re.findall(r"^using ([\w.]+);", file.read_text("utf-8"), re.MULTILINE)
    }
    assert {name for name in used if not name.startswith("System")} == {"UnityEngine.Networking"}
