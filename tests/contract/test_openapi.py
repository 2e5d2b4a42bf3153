"""The OpenAPI document: complete, coherent, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.api.problems import kinds_by_code
from tests.contract.collection_client import CollectionClient, ok

JSON = "application/json"

Document = dict[str, Any]

ROUTES = {
    ("post", "/token/camera"),
    ("post", "/token/directory"),
    ("post", "/token/images"),
    ("post", "/check"),
    ("post", "/enroll"),
    ("post", "/verify"),
    ("post", "/dedupe"),
    ("post", "/identify"),
    ("get", "/admin/subjects"),
    ("get", "/admin/subjects/{subjectId}"),
    ("delete", "/admin/subjects/{subjectId}"),
    ("get", "/admin/subjects/{subjectId}/export"),
    ("delete", "/admin/subjects/{subjectId}/consent"),
    ("post", "/admin/subjects/{subjectId}/rename"),
    ("post", "/admin/subjects/{subjectId}/merge"),
    ("post", "/admin/subjects/{subjectId}/unlock"),
    ("get", "/admin/collections"),
    ("put", "/admin/collections/{collection}"),
    ("patch", "/admin/collections/{collection}"),
    ("get", "/admin/collections/{collection}"),
    ("delete", "/admin/collections/{collection}"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}


@pytest.fixture(scope="module")
def document(http: httpx.Client) -> Document:
    return ok(http.get("/openapi.json"))


def operations(document: Document) -> dict[tuple[str, str], Document]:
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def nodes(value: Any) -> Iterator[Document]:
    """Every object of the document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from nodes(each)


def resolved(document: Document, reference: str) -> Any:
    value: Any = document
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


def examples(content: Document) -> list[Any]:
    many = [each["value"] for each in content.get("examples", {}).values()]
    return [content["example"]] if "example" in content else many


def test_every_route_is_documented(document: Document) -> None:
    assert operations(document).keys() >= ROUTES


def test_is_a_document_of_openapi_3_1(document: Document) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_addresses_begin_where_the_document_is_served(document: Document) -> None:
    assert document["servers"] == [{"url": "/"}]


def test_every_reference_leads_somewhere(document: Document) -> None:
    references = [node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        assert resolved(document, reference)


def test_every_operation_has_its_own_id_and_summary(document: Document) -> None:
    found = list(operations(document).values())
    assert all(operation["summary"] and operation["description"] for operation in found)
    assert len({operation["operationId"] for operation in found}) == len(found)


def test_operations_are_named_as_programs_name_calls(document: Document) -> None:
    names = {operation["operationId"] for operation in operations(document).values()}
    assert names >= {"enroll", "verify", "dedupe", "deleteSubject", "tokenFromCamera"}
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", name) for name in names)


def test_every_operation_takes_a_language(document: Document) -> None:
    for operation in operations(document).values():
        (language,) = [one for one in operation["parameters"] if one["name"] == "Accept-Language"]
        assert (language["in"], language["required"]) == ("header", False)
        assert language["schema"]["type"] == "string"


def test_no_shape_is_made_of_others(document: Document) -> None:
    """What generators make of these has other fields than the body, or none that is left out."""
    shapes = document["components"]["schemas"].values()
    bodies = [shape for shape in shapes if "properties" in shape]
    assert [one for one in bodies if {"oneOf", "anyOf", "allOf"} & one.keys()] == []


def test_text_is_printable(document: Document) -> None:
    """Generators write patterns into their source."""
    texts = [value for node in nodes(document) for value in node.values() if isinstance(value, str)]
    assert [text for text in texts if not text.replace("\n", "").isprintable()] == []


def test_every_choice_has_a_name(document: Document) -> None:
    """Generators make a type of each; those of no name they number."""
    named = [one for one in document["components"]["schemas"].values() if "enum" in one]
    conditions = [one for shape in nodes(document) for one in nodes(shape.get("then", []))]
    assert [one for one in nodes(document) if "enum" in one and one not in named + conditions] == []


def test_every_body_and_answer_has_a_named_shape(document: Document) -> None:
    for operation in operations(document).values():
        for place in (operation.get("requestBody", {}), *operation["responses"].values()):
            for kind, content in place.get("content", {}).items():
                assert kind == "text/plain" or "$ref" in content["schema"]


def test_code_of_a_problem_is_one_of_all(document: Document) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["ProblemAnswer"]["properties"]["code"]["$ref"].endswith("/ErrorCode")
    assert set(schemas["ErrorCode"]["enum"]) == set(kinds_by_code())


def test_statuses_tell_their_codes(document: Document) -> None:
    answers = operations(document)[("post", "/enroll")]["responses"]
    assert answers["401"]["description"] == "`unauthenticated`"
    assert "`duplicate_subject`" in answers["409"]["description"]
    assert "`no_usable_face`" in answers["422"]["description"]
    check = operations(document)[("post", "/check")]["responses"]
    assert "422" not in check
    for operation in operations(document).values():
        for status, answer in operation["responses"].items():
            codes = re.findall(r"`(\w+)`", answer["description"]) if status[1:] != "XX" else []
            assert {kinds_by_code().get(code) for code in codes}.isdisjoint({None})


def test_every_answer_has_an_example_with_the_fields_of_its_schema(document: Document) -> None:
    for operation in operations(document).values():
        (status,) = [status for status in operation["responses"] if status.startswith("2")]
        content = operation["responses"][status]["content"].get("application/json")
        if content is not None:
            schema = resolved(document, content["schema"]["$ref"])
            assert examples(content)[0].keys() == schema["properties"].keys()


def test_every_example_is_of_its_shape(document: Document) -> None:
    """Nulls too, which FastAPI drops, and what a shape has got since its example was written."""
    for operation in operations(document).values():
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            content = body.get("content", {}).get(JSON, {})
            shape = {**content.get("schema", {}), "components": document["components"]}
            for value in examples(content):
                OAS31Validator(shape).validate(value)


def test_every_body_has_an_example_and_a_schema(document: Document) -> None:
    with_body = [one for one in operations(document).values() if "requestBody" in one]
    assert len(with_body) == 16
    for operation in with_body:
        kinds = list(operation["requestBody"]["content"])
        assert kinds in ([JSON], [JSON, "multipart/form-data"])  # some generators take the first
        for content in operation["requestBody"]["content"].values():
            assert examples(content)


def test_every_body_tells_its_limit(document: Document) -> None:
    limits = {
        path: operation["requestBody"]["description"]
        for (_, path), operation in operations(document).items()
        if "requestBody" in operation
    }
    assert limits["/token/camera"] == "At most 32 KiB, in UTF-8."
    assert limits["/enroll"] == limits["/verify"] != limits["/token/camera"]


def test_number_of_photographs_is_told_for_both_kinds_of_body(document: Document) -> None:
    bodies = operations(document)[("post", "/token/images")]["requestBody"]["content"]
    form = resolved(document, bodies["multipart/form-data"]["schema"]["$ref"])
    json = resolved(document, bodies["application/json"]["schema"]["$ref"])
    for schema in (form, json):
        assert (schema["properties"]["images"]["minItems"]) == 1
        assert (schema["properties"]["images"]["maxItems"]) == 20


def test_form_has_the_fields_of_json_but_for_other_sources(document: Document) -> None:
    bodies = operations(document)[("post", "/enroll")]["requestBody"]["content"]
    form = resolved(document, bodies["multipart/form-data"]["schema"]["$ref"])
    json = resolved(document, bodies["application/json"]["schema"]["$ref"])
    others = {"embedding", "camera", "directory"}
    assert form["properties"].keys() == json["properties"].keys() - others
    assert form["required"] == ["subjectId"]
    assert [one["required"] for one in form["then"]["oneOf"]] == [["images"], ["livenessSession"]]
    assert form["additionalProperties"] is json["additionalProperties"] is False


def test_change_has_no_defaults_that_a_client_would_send(document: Document) -> None:
    changes = [one for key, one in operations(document).items() if key[0] == "patch"]
    assert changes
    for operation in changes:
        shape = resolved(document, operation["requestBody"]["content"][JSON]["schema"]["$ref"])
        assert [one for one in shape["properties"].values() if "default" in one] == []


def test_problems_are_documented_as_problems(document: Document) -> None:
    for key, operation in operations(document).items():
        if key[1] not in ("/healthz", "/readyz", "/metrics"):
            for status in ("4XX", "5XX"):
                assert list(operation["responses"][status]["content"]) == [
                    "application/problem+json"
                ]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_json_example_is_well_formed_for_the_service(
    document: Document, http: httpx.Client, client: CollectionClient
) -> None:
    ids = {"sessionId": uuid4(), "duplicateId": uuid4(), "subjectId": "nobody"}
    place = {"collection": client.collection, **ids}
    for (method, path), operation in operations(document).items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for body in examples(content):
            answer = http.request(method, path.format(**place), json=body)
            assert answer.status_code != 400, (path, body, answer.text)


def test_calls_with_a_key_say_so(document: Document) -> None:
    assert len(document["components"]["securitySchemes"]) == 2
    for (_, path), operation in operations(document).items():
        if path.startswith(("/token", "/enroll", "/verify", "/admin", "/dedupe", "/identify")):
            ways = [way for way, scopes in _ways(operation) if scopes]
            assert set(ways) == {"HTTPBearer", "APIKeyHeader"}


def _ways(operation: Document) -> Iterator[tuple[str, list[str]]]:
    for each in operation["security"]:
        yield from each.items()


def test_calls_tell_the_scopes_of_which_they_need_one(document: Document) -> None:
    found = operations(document)
    assert next(_ways(found[("post", "/enroll")])) == ("HTTPBearer", ["enroll"])
    scopes = [scopes for way, scopes in _ways(found[("post", "/check")]) if way == "HTTPBearer"]
    assert scopes == [["token"], ["enroll"], ["verify"]]
