"""Spares each process an import that costs over a second of CPU and that nothing here uses."""

from __future__ import annotations

import sys


def skip_slow_imports() -> None:
    """Call first thing in a program, before anything of Jupyter is imported.

    jsonschema builds a grammar for one format (`iri`) that no schema of Jupyter uses; it takes a
    missing module for an answer.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
