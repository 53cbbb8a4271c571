"""An executed notebook as the bytes of its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_IN_LINES = frozenset({"application/javascript", "image/svg+xml"})
_TRANSIENT = frozenset({"orig_nbformat", "orig_nbformat_minor", "signature"})


def notebook_bytes(notebook: Mapping[str, Any], *, quickly: bool = False) -> bytes:
    """`notebook` as nbformat writes it, but it is neither copied nor checked on the way.

    Args:
        quickly: without indentation, which takes a tenth of the time.
    """
    shown = {
        **notebook,
        "cells": [_cell(cell) for cell in notebook["cells"]],
        "metadata": {k: v for k, v in notebook["metadata"].items() if k not in _TRANSIENT},
    }
    text = json.dumps(shown, ensure_ascii=False, sort_keys=True, indent=None if quickly else 1)
    # Half a character has no bytes: it becomes a question mark.
    return text.encode("utf-8", "replace") + b"\n"


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    shown = {**cell, "source": _lines(cell.get("source", ""))}
    if "outputs" in cell:
        shown["outputs"] = [_output(output) for output in cell["outputs"]]
    if "trusted" in cell.get("metadata", {}):
        shown["metadata"] = {k: v for k, v in cell["metadata"].items() if k != "trusted"}
    return shown


def _output(output: Mapping[str, Any]) -> Mapping[str, Any]:
    if "text" in output:
        return {**output, "text": _lines(output["text"])}
    if isinstance(output.get("data"), Mapping):
        return {**output, "data": {
            kind: _lines(value) if kind.startswith("text/") or kind in _IN_LINES else value
            for kind, value in output["data"].items()
        }}  # fmt: skip
    return output


def _lines(text: Any) -> Any:
    return text.splitlines(True) if isinstance(text, str) else text
