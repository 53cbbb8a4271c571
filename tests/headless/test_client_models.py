"""The client's models are those of the service: compared with its OpenAPI document."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from fairihub_headless.client import models
from fairihub_headless.models import RunState
from fairihub_headless.processes.notebook_inputs import OUTPUTS
from fairihub_headless.web.openapi import openapi_document
from fairihub_headless.web.routes import ROUTES

SCHEMAS: dict[str, Any] = openapi_document(ROUTES, "http://hub/", "Runs", "/")["components"][
    "schemas"
]


@pytest.mark.parametrize(
    "model",
    [
        models.StatusInfo,
        models.JobList,
        models.FileList,
        models.FileEntry,
        models.Link,
        models.Limits,
        models.Failure,
        models.Source,
        models.Environment,
    ],
)
def test_a_model_has_the_name_and_the_fields_of_the_service(model: type[BaseModel]) -> None:
    said = SCHEMAS[model.__name__]
    assert set(model.model_fields) == set(said["properties"])
    # What the client cannot do without, the service always says.
    wanted = {field for field, about in model.model_fields.items() if about.is_required()}
    assert wanted <= set(said.get("required", ()))


def test_the_states_are_those_of_the_service() -> None:
    assert [s.value for s in models.State] == [s.value for s in RunState]
    assert [s for s in models.State if s.ended] == [s for s in models.State if RunState(s).ended]


def test_the_results_are_those_of_the_service() -> None:
    assert set(models.Results.model_fields) == set(OUTPUTS)


def test_what_a_newer_service_adds_disturbs_nobody() -> None:
    told = {"code": "x", "message": "y", "since": {"version": 2}}
    assert models.Failure.model_validate(told) == models.Failure(code="x", message="y")
