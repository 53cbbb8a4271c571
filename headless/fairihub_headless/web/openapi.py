"""The OpenAPI 3.0 document, made from the route table, the processes and the models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairihub_core.scopes import DESCRIPTIONS, READ_RUNS, RUN
from fairihub_headless.processes.echo import ECHO_PROCESS
from fairihub_headless.processes.execute_notebook import execute_notebook
from fairihub_headless.processes.model import Process
from fairihub_headless.web.openapi_parts import HTML, JSON, errors, headers, parameters
from fairihub_headless.web.openapi_schemas import is_a, schemas
from fairihub_headless.web.routing import Answer, Operation, Route

_DOOR = "access:services!service=headless"
EVERY_PROCESS = (execute_notebook((), None), ECHO_PROCESS)
"""The processes, described for nobody in particular."""


def openapi_document(
    routes: Sequence[Route],
    base: str,
    title: str,
    hub_url: str,
    processes: Sequence[Process] = EVERY_PROCESS,
) -> dict[str, Any]:
    """All that this service answers, for machines.

    Args:
        hub_url: where the hub's addresses begin, such as `/`.
    """
    ids = [process.id for process in processes]
    return {
        "openapi": "3.0.3",
        "info": {
            "title": title,
            "version": "1.0.0",
            "description": "Runs notebooks without a browser, as OGC API – Processes 1.0.",
        },
        "servers": [{"url": base.rstrip("/")}],
        "paths": {
            route.path or "/": {
                operation.method.lower(): _operation(route, operation, ids)
                for operation in route.operations
            }
            for route in routes
            if not route.for_people
        },
        "components": {
            "schemas": schemas(processes),
            "securitySchemes": _ways_in(hub_url),
        },
    }


def _ways_in(hub_url: str) -> dict[str, Any]:
    """An API token, or a browser's session; either may be limited to scopes."""
    return {
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`token …`, `Token …` or `Bearer …` with an API token. What it must "
            f"hold besides `{_DOOR}` is said of each operation.",
        },
        "session": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{hub_url}hub/api/oauth2/authorize",
                    "tokenUrl": f"{hub_url}hub/api/oauth2/token",
                    "scopes": {
                        _DOOR: "Use this service.",
                        **{scope: DESCRIPTIONS[scope] for scope in (RUN, READ_RUNS)},
                    },
                }
            },
        },
    }


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    needs = [] if operation.needs is None else [operation.needs]
    return [{"token": []}, {"session": [_DOOR, *needs]}]


def _operation(route: Route, operation: Operation, processes: list[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        **({"description": f"Needs `{operation.needs}`."} if operation.needs else {}),
        "security": _security(operation),
        "parameters": parameters(route, operation, processes),
        "responses": {
            str(operation.status): _answer(operation),
            **{str(answer.status): _other_answer(answer) for answer in operation.or_else},
            **errors(route, operation),
        },
    }
    if operation.takes:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": is_a(operation.takes)}},
        }
    return described


def _answer(operation: Operation) -> dict[str, Any]:
    content = {kind: {"schema": _schema(operation, kind)} for kind in _kinds(operation)}
    if "f" in operation.query:
        content[HTML] = {"schema": {"type": "string"}}
    return {
        "description": operation.summary,
        **headers(operation.tells),
        "content": content,
    }


def _kinds(operation: Operation) -> tuple[str, ...]:
    return (operation.kind, *operation.also)


def _schema(operation: Operation, kind: str) -> dict[str, Any]:
    """What the answer is in this media type; an output is anything that its type can hold."""
    if kind == JSON and operation.gives is not None:
        return is_a(operation.gives)
    if kind == JSON or "+json" in kind or kind == "*/*":
        return {}
    return {"type": "string", **({} if kind.startswith("text/") else {"format": "binary"})}


def _other_answer(answer: Answer) -> dict[str, Any]:
    """An answer that depends on the request."""
    content = {
        kind: {"schema": is_a(answer.gives) if answer.gives and kind == JSON else {}}
        for kind in answer.kinds
    }
    return {
        "description": answer.summary,
        **headers(answer.tells),
        **({"content": content} if content else {}),
    }
