"""Masking, the queue, scraps, errors and the OpenAPI document: what needs no kernel."""

from __future__ import annotations

from typing import Any

import pytest

from fairihub_core.errors import BadInput
from fairihub_core.hiding import HIDDEN
from fairihub_core.scopes import READ_RUNS, RUN
from fairihub_headless.errors import no_such_job
from fairihub_headless.glued import glued
from fairihub_headless.masking import STARS, Masker, masked, secrets_in, sure_secrets_in
from fairihub_headless.web.exceptions import OGC, exception_of
from fairihub_headless.web.openapi import openapi_document
from fairihub_headless.web.routes import ROUTES


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": 1, "api_key": "x"}, {"a": 1, "api_key": STARS}),
        ({"a": {"b": [{"My_Password": "x"}]}}, {"a": {"b": [{"My_Password": STARS}]}}),
        ({"TOKENS": ["x", "y"], "secret": None}, {"TOKENS": STARS, "secret": None}),
        ([1, "secret"], [1, "secret"]),
        ({"db_pwd": "x", "dsn": "y", "pin": 1234}, {"db_pwd": STARS, "dsn": STARS, "pin": STARS}),
        ({"author": "x", "spin": 2, "pinned": "y"}, {"author": "x", "spin": 2, "pinned": "y"}),
        ({"db": "pg://u:swordfish@h/d"}, {"db": f"pg://u:{STARS}@h/d"}),
    ],
)
def test_masked_at_any_depth(value: Any, shown: Any) -> None:
    assert masked(value) == shown


def test_words_are_no_secrets_but_under_names_that_mean_nothing_else() -> None:
    given = {
        "sort_key": "temperature", "keys": ["sea level"], "api_key": "plainword",
        "deep": [{"password": "correct horse battery"}], "url": "https://me:swordfish@host/",
        "some_key": "x1-y2-z3",
    }  # fmt: skip
    sure = {"plainword", "correct horse battery", "swordfish", "x1-y2-z3"}
    assert sure_secrets_in(given) == sure
    assert secrets_in(given) == sure | {"temperature", "sea level"}


def test_known_secrets_are_starred_in_texts() -> None:
    given = {"deep": [{"token": "abcdefgh"}], "password": {"of": "lines-one\nlines-two"}}
    masker = Masker({*secrets_in(given), "abcdefgh-longer", "no"})
    assert masker.text("abcdefgh-longer abcdefgh lines-two no") == f"{HIDDEN} {HIDDEN} {HIDDEN} no"


def test_scraps_of_scrapbook_and_of_older_papermill_are_read() -> None:
    def output(data: Any, **about: Any) -> Any:
        return {"output_type": "display_data", "data": data, "metadata": {"scrapbook": about}}

    scrap = "application/scrapbook.scrap.json+json"
    outputs = [
        output({scrap: {"name": "x", "data": 1, "encoder": "json", "version": 1}}),
        output({scrap: {"name": "x", "data": [2], "encoder": "json", "version": 1}}),
        output({"application/papermill.record+json": {"old": 3}}),
        output({"text/plain": "figure", "image/png": "iVBOR"}, name="fig", display=True),
        output({"text/plain": "no scrap"}),
        {"output_type": "stream", "text": "x"},
    ]
    found = glued({"cells": [{"cell_type": "markdown"}, {"outputs": outputs}]})
    assert found.scraps == {"x": [2], "old": 3}
    assert found.displays == {"fig": {"text/plain": "figure", "image/png": "iVBOR"}}


def test_errors_are_exceptions_of_the_ogc() -> None:
    assert exception_of(no_such_job("x"))["type"] == OGC + "no-such-job"
    other = exception_of(BadInput("bad-path", "It leads out.", path="x"))
    assert other == {
        "type": "urn:x-fairihub:error:bad-path",
        "title": "Bad path",
        "status": 400,
        "detail": "It leads out.",
        "code": "bad-path",
        "path": "x",
    }


def test_openapi_tells_of_every_route_and_refers_to_nothing_that_is_missing() -> None:
    document = openapi_document(ROUTES, "http://h/services/headless/", "Runs", "/")
    told = [route for route in ROUTES if not route.for_people]
    assert set(document["paths"]) == {route.path or "/" for route in told}
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
    assert "null" not in _types(document["components"]["schemas"])


def test_openapi_names_the_scope_of_each_operation() -> None:
    document = openapi_document(ROUTES, "http://h/services/headless/", "Runs", "/base/")
    session = document["components"]["securitySchemes"]["session"]["flows"]["authorizationCode"]
    assert session["authorizationUrl"] == "/base/hub/api/oauth2/authorize"
    told = {
        (path, method): operation["security"][1]["session"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    door = "access:services!service=headless"
    assert told["/", "get"] == [door]
    assert told["/jobs", "get"] == [door, READ_RUNS]
    assert told["/jobs/{jobID}", "delete"] == [door, RUN]
    assert {scope for scopes in told.values() for scope in scopes} == set(session["scopes"])


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [r for item in value.values() for r in _references(item)]
    return [r for item in value for r in _references(item)] if isinstance(value, list) else []


def _types(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["type"]} if isinstance(value.get("type"), str) else set()
        return own.union(*(_types(item) for item in value.values()))
    return set().union(*(_types(item) for item in value)) if isinstance(value, list) else set()
