"""A run as a row of the table, and back; and what of it a list is searched for."""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import Row

from fairihub_headless.models import Run, storable

_REQUEST = {
    "notebook", "title", "parameters", "kernel", "limits", "output_filename", "output_dirname",
    "outputs", "result_data_directory", "git_revision",
    "response", "deadline", "retries", "priority", "source", "fingerprint",
}  # fmt: skip
_COLUMNS = {
    "id", "owner", "team", "profile", "process", "state", "message", "digest", "cell", "cells",
    "failure", "created", "started", "finished", "updated", "worker_pid", "worker_born",
    "attempt", "lost", "waited", "not_before", "engine", "environment", "key", "pinned", "expired",
}  # fmt: skip
LONGEST = 200
"""Characters of a name or a message that are searched: they stand in an index."""


def row_of(run: Run) -> dict[str, Any]:
    """The row of a new run."""
    plain = run.model_dump(mode="json", include=_REQUEST)
    row = {name: getattr(run, name) for name in _COLUMNS - {"state", "failure", "environment"}}
    more = {"state": run.state.value, "rank": run.priority.rank, "request": plain}
    # The name first, by which lists are sorted; of the title, what there is room for beside it.
    words = f"{words_of(run.notebook)} {words_of(storable(run.title[:LONGEST]))}"
    return {**row, **more, "words": words[:LONGEST].rstrip()}


def run_of(row: Row[Any]) -> Run:
    columns = row._asdict()
    return Run(**{name: columns[name] for name in _COLUMNS}, **columns["request"])


def words_of(text: str) -> str:
    """A text as it is searched: alike however its letters are written; of a path, its end."""
    return unicodedata.normalize("NFC", text).casefold()[-LONGEST:]
