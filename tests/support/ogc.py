"""What OGC API Processes 1.0 demands of documents, and the words that it gives to links."""

from __future__ import annotations

import email
import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft4Validator, FormatChecker

SCHEMAS = json.loads((Path(__file__).parents[1] / "data" / "ogc-processes-1.0.json").read_text())
EXCEPTION = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
ECHO = "processes/echo/execution"


def conforms(document: Any, name: str) -> None:
    """Asserts that `document` is as the standard's schema of that name says."""
    schema = {"$ref": f"#/definitions/{name}", "definitions": SCHEMAS["definitions"]}
    checker = FormatChecker(["date-time", "regex"])
    problems = Draft4Validator(schema, format_checker=checker).iter_errors(document)
    told = [f"{'/'.join(map(str, p.absolute_path))}: {p.message[:300]}" for p in problems]
    assert not told, told


def is_exception(answer: httpx.Response, status: int, kind: str) -> Any:
    """The body of an error answer, which is an exception of that type."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    told = answer.json()
    conforms(told, "exception")
    assert (told["type"], told["status"]) == (kind, status)
    assert all(told[part] for part in ("title", "detail"))
    return told


def link_of(document: Any, rel: str) -> str:
    """The address that a document gives for a relation."""
    return str(next(link["href"] for link in document["links"] if link["rel"] == rel))


def links_to(answer: httpx.Response, rel: str) -> list[tuple[str, str]]:
    """What the headers `Link` give for a relation: addresses, each with all that is said of it."""
    whole = ", ".join(answer.headers.get_list("Link"))  # a proxy makes one header of several
    found = re.findall(r"<([^>]*)>([^<]*)", whole)
    return [(to, about) for to, about in found if re.search(rf'; rel="?{rel}"?(;|,|$)', about)]


def succeeded(client: httpx.Client, created: httpx.Response, seconds: float = 60) -> Any:
    """The status of a job that was created, once it has succeeded."""
    assert created.status_code == 201, created.text
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = client.get(created.headers["Location"]).json()
        if status["status"] == "successful":
            return status
        assert status["status"] in ("accepted", "running"), status
        time.sleep(0.05)
    raise AssertionError(f"not ended: {status}")


def parts_of(answer: httpx.Response) -> dict[str, tuple[str, str | None, bytes]]:
    """The parts of a multipart answer by Content-ID: type, location and body."""
    kind = answer.headers["Content-Type"]
    assert kind.startswith("multipart/related;")
    whole = email.message_from_bytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + answer.content
    )
    parts = whole.get_payload()
    assert isinstance(parts, list)
    assert whole.get_param("type")
    return {
        str(part["Content-ID"]): (
            part.get_content_type(),
            part["Content-Location"],
            part.get_payload(decode=True),
        )
        for part in parts
    }
