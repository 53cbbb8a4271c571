"""The CustomResourceDefinition: by the rules of Kubernetes, with every key, and lenient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fairihub_core.customer_crd import customer_crd
from fairihub_core.customer_format import (
    ACTIVATION_KEYS,
    DATA_KEYS,
    INVENTORY_KEYS,
    LOGIN_KEYS,
    SPEC_KEYS,
)

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EITHER = "x-kubernetes-int-or-string"
(VERSION,) = customer_crd()["spec"]["versions"]
WHOLE = VERSION["schema"]["openAPIV3Schema"]


def every_schema(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from every_schema(below, f"{path}.{name}")
    if "items" in schema:
        yield from every_schema(schema["items"], f"{path}[]")


@pytest.mark.parametrize(("path", "schema"), list(every_schema(WHOLE)), ids=lambda v: str(v)[:40])
def test_it_is_structural(path: str, schema: dict[str, Any]) -> None:
    """The rules of apiextensions.k8s.io/v1; the tests of the cluster ask a real API server."""
    allowed = {
        "type", "description", "properties", "items", "required", "enum", "format", "nullable",
        PRESERVE, EITHER, "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    }  # fmt: skip
    assert schema.keys() <= allowed
    assert ("type" in schema) or schema.get(PRESERVE) or schema.get(EITHER)
    assert not (schema.get(EITHER) and (schema.get(PRESERVE) or "type" in schema))
    assert schema.get(PRESERVE, True) is True
    assert schema.get("type") != "array" or "items" in schema
    assert set(schema.get("required", ())) <= schema.get("properties", {}).keys()


def test_the_whole_is_an_object_and_says_nothing_of_metadata() -> None:
    assert (WHOLE["type"], WHOLE[PRESERVE]) == ("object", True)
    assert WHOLE["properties"].keys() == {"spec", "status"}
    assert "nullable" not in WHOLE


def test_every_key_of_the_table_is_there_with_its_words() -> None:
    spec = WHOLE["properties"]["spec"]["properties"]
    assert spec.keys() == SPEC_KEYS
    assert spec["inventory"]["items"]["properties"].keys() == INVENTORY_KEYS
    activation = spec["activations"]["items"]["properties"]
    assert activation.keys() == ACTIVATION_KEYS
    assert activation["data"]["properties"].keys() == DATA_KEYS.keys()
    for logins in (spec["allowedLogins"], activation["allowedLogins"]):
        said = {n: s["description"] for n, s in logins["items"]["properties"].items()}
        assert said == {key.name: key.help for key in LOGIN_KEYS.values()}


def test_nothing_of_what_people_write_is_refused_or_dropped() -> None:
    for path, schema in every_schema(WHOLE["properties"]["spec"]):
        assert schema["nullable"] is True, path
        assert schema.get(PRESERVE) or schema.get(EITHER), path
        assert not schema.keys() & {"type", "required", "pattern", "enum"}, path


def test_the_status_is_a_part_of_its_own_and_shown_in_lists() -> None:
    assert VERSION["subresources"] == {"status": {}}
    columns = {
        c["name"]: c["type"] for c in VERSION["additionalPrinterColumns"] if not c["priority"]
    }
    assert columns == {"Ready": "string", "Members": "integer", "Expires": "string", "Age": "date"}
    assert customer_crd()["metadata"]["name"] == "customers.hub.eox.at"
    assert customer_crd()["spec"]["scope"] == "Namespaced"
