"""The program behind `reader`: a question per line on standard input, an answer per line back.

Run apart as `python -m fairihub_catalog.reader_program`.
"""

from __future__ import annotations

from fairihub_core.children import limit_this_process
from fairihub_core.lean import skip_slow_imports

skip_slow_imports()

import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from pydantic import ValidationError  # noqa: E402

from fairihub_catalog import checks  # noqa: E402
from fairihub_catalog.models import Submission, to_json  # noqa: E402
from fairihub_catalog.reader import Read  # noqa: E402
from fairihub_catalog.reading import (  # noqa: E402
    as_file,
    edition_of,
    facts_of,
    facts_of_notebook,
)
from fairihub_catalog.requests import json_object, validated  # noqa: E402
from fairihub_core.errors import BadInput, FairihubError  # noqa: E402
from fairihub_core.files import read_below, write_whole  # noqa: E402
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES, read_notebook  # noqa: E402

_MEMORY_LIMIT = 3 * 2**30


def main() -> None:
    """The child: a question per line on standard input, an answer per line on standard output."""
    limit_this_process(memory=_MEMORY_LIMIT)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(json.dumps(_answered(json.loads(line))).encode() + b"\n")
        sys.stdout.buffer.flush()


def _answered(question: dict[str, Any]) -> dict[str, Any]:
    task, arguments = _TASKS[question.pop("do")], question
    try:
        return {"found": task(**arguments)}
    except FairihubError as error:
        return {"error": {"status": error.status, "code": error.code, "message": error.message}}
    except (MemoryError, RecursionError, ValidationError, ValueError, TypeError):
        return {
            "error": {"status": 422, "code": "no-notebook", "message": "This is not a notebook."}
        }


def _facts(root: str, path: str) -> dict[str, Any]:
    return to_json(facts_of(read_below(Path(root), path, MAX_NOTEBOOK_BYTES), path))


def _submission(body: str, content: str) -> dict[str, Any]:
    given = json_object(Path(body).read_bytes())
    notebook_given = given.pop("content", None)
    if not isinstance(notebook_given, dict):
        raise BadInput("bad-request", "“content” must be the notebook, as a JSON object.")
    submission = validated(Submission, given)
    notebook = read_notebook(json.dumps(notebook_given))
    raw = as_file(notebook)
    facts = facts_of_notebook(notebook, submission.filename, raw)
    write_whole(Path(content), raw)
    findings = checks.findings_of(notebook, facts)
    return to_json(Read(submission=submission, facts=facts, findings=findings))


def _edition(content: str, to: str, properties: dict[str, Any]) -> dict[str, Any]:
    notebook = read_notebook(Path(content).read_bytes(), limit=2 * MAX_NOTEBOOK_BYTES)
    write_whole(Path(to), edition_of(notebook, properties))
    return {}


_TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "facts": _facts,
    "submission": _submission,
    "edition": _edition,
}

if __name__ == "__main__":
    main()
