"""docs/api.md, every call to read offline, from the OpenAPI document. Run it by the Python of `.venv`.

python scripts/api_page.py          print it
python scripts/api_page.py --check  status 1 where docs/api.md is another one
python scripts/api_page.py --write  write it
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import ROOT
from scripts.generated_files import print_check_or_write
from scripts.openapi_document import Document, calls, default_document, json_example, shape_name
from service.api.document import FORM, JSON, Operation
from service.api.openapi import shown_codes
from service.domain.identifiers import ALLOWED

PAGE = ROOT / "docs" / "api.md"

_HEAD = """# Every call

Generated from the OpenAPI document by `scripts/api_page.py --write`, with default settings. A running service shows the same at
`/docs`, to be tried, and `/redoc`, and has it for programs at `/openapi.json`. [http.md](http.md) tells what holds for all calls: keys and
scopes, face sources, answers; [errors.md](errors.md) every error. `Accept-Language: ko` or `en` goes with each. Where several scopes are named, one of
them is enough. Errors of every call with a key are not repeated below: {usual}.

**Clients.** `openapi-python-client` and `openapi-typescript` make clients of the document that the tests run against a server; TypeScript's types name
fields with a default as required unless it is told `--default-non-nullable false`. openapi-generator takes JSON alone, and needs
`--global-property skipFormModel=false` for `typescript-fetch`. [face.postman_collection.json](face.postman_collection.json) is the document for Postman,
Bruno and whatever else imports the former's collections: set `baseUrl` and `apiKey`.
"""
_LANGUAGE = "Accept-Language"
_OF_EVERY_CALL = (
    "invalid_request",
    "unauthenticated",
    "not_allowed",
    "rate_limited",
    "overloaded",
    "database_unavailable",
)
_NAMES = {
    f"^{pattern}$": f"1–{most} of A–Z a–z 0–9 . {' '.join(signs)}"
    for pattern, (most, signs) in ALLOWED.items()
}
_LONGEST_LINE = 100


def api_page(document: Document) -> str:
    usual = _linked_codes(shown_codes(_OF_EVERY_CALL))
    parts = [_HEAD.format(usual=usual), "## Calls", _overview(document)]
    parts += [
        _call(method, path, operation, document) for method, path, operation in calls(document)
    ]
    return "\n\n".join([*parts, "## Shapes", *_shapes(document)]) + "\n"


def _overview(document: Document) -> str:
    rows = [
        f"| {_link(method, path)} | `{operation['operationId']}` | {operation['summary']} |"
        for method, path, operation in calls(document)
    ]
    return "\n".join(["| call | operation | |", "| --- | --- | --- |", *rows])


def _link(method: str, path: str) -> str:
    heading = re.sub(r"[^\w -]", "", f"{method} {path}".lower()).replace(" ", "-")
    return f"[`{method} {path}`](#{heading})"


def _call(method: str, path: str, operation: Operation, document: Document) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    parts = [f"### {method} {path}", operation["description"].strip(), _scopes(operation)]
    if rows := [*_parameters(operation), *_body_fields(content, document)]:
        parts.append("\n".join(["| field | type | |", "| --- | --- | --- |", *rows]))
    if content:
        kinds = "JSON or a form" if FORM in content else "JSON"
        parts.append(f"{kinds}. {operation['requestBody']['description']}")
        parts.append(_block(json_example(content[JSON])))
    return "\n\n".join(filter(None, [*parts, _answers(operation), _errors(operation)]))


def _scopes(operation: Operation) -> str:
    needed = [
        f"`{scope}`" for one in operation.get("security", ()) for scope in one.get("HTTPBearer", ())
    ]
    return f"Scope: {', '.join(needed)}." if needed else "No key is needed."


def _parameters(operation: Operation) -> Iterator[str]:
    for one in operation.get("parameters", ()):
        if one["name"] != _LANGUAGE:
            meaning = [f"in the {one['in']}", *_meaning(one["schema"], needed=one["required"])]
            yield _row(one["name"], one["schema"], [*meaning, one.get("description", "")])


def _body_fields(content: Document, document: Document) -> Iterator[str]:
    if JSON not in content:
        return
    schemas = document["components"]["schemas"]
    shape = schemas[shape_name(content[JSON]["schema"])]
    in_form = schemas[shape_name(content[FORM]["schema"])]["properties"] if FORM in content else {}
    for name, schema in shape["properties"].items():
        only = ["JSON only"] if in_form and name not in in_form else []
        meaning = _meaning(schema, needed=name in shape.get("required", ()))
        yield _row(name, schema, [*only, *meaning, schema.get("description", "")])


def _row(name: str, schema: Document, meaning: Iterable[str]) -> str:
    told = "; ".join(each for each in meaning if each)
    return f"| `{name}` | {_cell(_type(schema))} | {_cell(told)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _meaning(schema: Document, *, needed: bool) -> Iterator[str]:
    """Whether it must be given, and what is taken else."""
    if needed:
        yield "required"
    if schema.get("default") not in (None, {}):
        yield f"else `{json.dumps(schema['default'])}`"


def _type(schema: Document) -> str:
    if name := shape_name(schema):
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type(schema['items'])}{_bounds(schema, 'minItems', 'maxItems')}"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if inner := schema.get("additionalProperties"):
        return "object" if inner is True else f"object of {_type(inner)}"
    return kind + _detail(schema)


def _detail(schema: Document) -> str:
    """What a text or a number is held to."""
    if "contentEncoding" in schema:
        return ", base64"
    pattern = schema.get("pattern", "")
    if pattern in _NAMES:
        return f", {_NAMES[pattern]}"
    shown = f", `{pattern}`" if pattern and pattern.isprintable() else ""
    form = f", {schema['format']}" if "format" in schema else ""
    length = _bounds(schema, "minLength", "maxLength")
    return form + shown + length + _bounds(schema, "minimum", "maximum")


def _bounds(schema: Document, least: str, most: str) -> str:
    """`, 1–20`, `, from 1`, `, to 20`."""
    low, high = (f"{schema[name]:g}" if name in schema else "" for name in (least, most))
    if low and high:
        return f", {low}" if low == high else f", {low}–{high}"
    return f", from {low}" if low else f", to {high}" if high else ""


def _answers(operation: Operation) -> str:
    """The one of a call that goes well."""
    status, answer = next((s, a) for s, a in operation["responses"].items() if s[0] == "2")
    (kind, content), *_ = answer["content"].items()
    name = shape_name(content.get("schema", {}))
    shown = f"[{name}](#{name.lower()})" if name else f"`{kind}`"
    value = json_example(content)
    return f"**{status}** {shown}\n\n{_block(value)}"


def _block(value: object) -> str:
    if isinstance(value, str):
        return f"```text\n{value.rstrip()}\n```"
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict) and len(text) > _LONGEST_LINE:
        fields = (f"  {json.dumps(name)}: {json.dumps(value[name])}" for name in value)
        text = "{\n" + ",\n".join(fields) + "\n}"
    return f"```json\n{text}\n```"


def _errors(operation: Operation) -> str:
    told = []
    for status, answer in operation["responses"].items():
        codes = {*re.findall(r"`(\w+)`", answer["description"])}.difference(_OF_EVERY_CALL)
        if codes and status.isdecimal():
            told.append(f"{status} {_linked_codes(shown_codes(codes))}")
    return f"Errors: {'; '.join(told)}." if told else ""


def _linked_codes(description: str) -> str:
    return re.sub(r"`(\w+)`", r"[`\1`](errors.md#\1)", description)


def _shapes(document: Document) -> Iterator[str]:
    """Of answers, and of what bodies hold; bodies themselves stand with their calls."""
    content = [one for _, _, operation in calls(document) for one in _body_contents(operation)]
    bodies = {shape_name(one["schema"]) for one in content}
    for name, schema in sorted(document["components"]["schemas"].items()):
        if name not in bodies:
            yield f"### {name}\n\n{_shape(schema)}"


def _body_contents(operation: Operation) -> Iterable[Mapping[str, Any]]:
    contents: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    return contents.values()


def _shape(schema: Document) -> str:
    told = schema.get("description", "").strip()
    if "properties" not in schema:
        return "\n\n".join(each for each in (told, _type(schema)) if each)
    rows = [
        _row(name, one, [one.get("description", "")]) for name, one in schema["properties"].items()
    ]
    table = "\n".join(["| field | type | |", "| --- | --- | --- |", *rows])
    return f"{told}\n\n{table}" if told else table


def main() -> int:
    def page() -> str:
        return api_page(default_document())

    return print_check_or_write(page, lambda: {PAGE: page()})


if __name__ == "__main__":
    sys.exit(main())
