"""The reference of the runs service, written from the OpenAPI document that the service answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fairihub_headless.web.openapi import openapi_document
from fairihub_headless.web.routes import ROUTES

PREFIX = "/services/headless"
Schema = Mapping[str, Any]


def document() -> dict[str, Any]:
    """As a hub at the beginning of its own address answers it."""
    return openapi_document(ROUTES, f"{PREFIX}/", "Runs", "/")


def operations() -> Iterator[str]:
    """Each operation: what it does, what it takes, what it answers."""
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            yield from (f"### `{method.upper()} {PREFIX}{path if path != '/' else '/'}`", "")
            yield from (f"{_sentence(told['summary'])} {told.get('description', '')}".strip(), "")
            yield from _parameters(told.get("parameters", []))
            yield from _body(told.get("requestBody"))
            yield from _answers(told["responses"])


def models() -> Iterator[str]:
    """Each model that is taken or answered, with its fields."""
    for name, schema in sorted(document()["components"]["schemas"].items()):
        yield from (f"### {name}", "")
        if said := schema.get("description"):
            yield from (_line(said), "")
        if "enum" in schema:
            yield from (_kind(schema), "")
        if fields := schema.get("properties"):
            yield from _fields(fields, schema.get("required", ()))


def _parameters(parameters: list[Schema]) -> Iterator[str]:
    if not parameters:
        return
    yield from ("| parameter | in | value | meaning |", "|---|---|---|---|")
    for each in parameters:
        said = each.get("description") or each["schema"].get("description", "")
        yield f"| `{each['name']}` | {each['in']} | {_kind(each['schema'])} | {_cell(said)} |"
    yield ""


def _body(body: Schema | None) -> Iterator[str]:
    if body:
        kinds = [f"{_kind(c.get('schema', {}))} as `{t}`" for t, c in body["content"].items()]
        yield from (f"**Takes** {', or '.join(kinds)}.", "")


def _answers(answers: Mapping[str, Schema]) -> Iterator[str]:
    yield from ("| answer | what | as |", "|---|---|---|")
    for status, told in answers.items():
        content = told.get("content", {})
        kinds = [f"{_kind(c.get('schema', {}))} as `{t}`" for t, c in content.items()]
        headers = [f"header `{name}`" for name in told.get("headers", {})]
        shown = "else" if status == "default" else status
        yield f"| {shown} | {_cell(told['description'])} | {', '.join([*kinds, *headers])} |"
    yield ""


def _fields(fields: Mapping[str, Schema], required: Any, above: str = "") -> Iterator[str]:
    if not above:
        yield from ("| field | value | meaning |", "|---|---|---|")
    for name, schema in fields.items():
        always = "" if name in required else " (optional)"
        said = _cell(schema.get("description", ""))
        yield f"| `{above}{name}`{always} | {_kind(schema)} | {said} |"
        inner = schema.get("properties")
        if inner and not above:
            yield from _fields(inner, schema.get("required", ()), f"{name}.")
    if not above:
        yield ""


def _kind(schema: Schema) -> str:
    """The values of a schema in a few words; a model as the way to it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for together in ("allOf", "anyOf", "oneOf"):
        if together in schema:
            return " or ".join(dict.fromkeys(_kind(each) for each in schema[together]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    kind = str(schema.get("format") or schema.get("type") or "anything")
    return f"{kind}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" {least} to {most}"
    default = schema.get("default")
    return f", else {default}" if default is not None else ""


def _sentence(words: str) -> str:
    return words if words.endswith(".") else f"{words}."


def _line(words: str) -> str:
    return " ".join(words.split())


def _cell(words: str) -> str:
    return _line(words).replace("|", "\\|")
