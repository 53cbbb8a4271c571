"""The parameters that a notebook declares: the cell tagged `parameters`, read without running it.

A declaration is an assignment at the top level of that cell. Its type comes from a comment
(`bbox = None  # type: bbox  Where to look`), from an annotation, or from the default's value;
what follows the type in the comment is the help text, as in papermill.
"""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Mapping
from typing import Any

from nbformat import NotebookNode

from fairihub_core.errors import BadInput, shortened
from fairihub_core.parameter_types import fits
from fairihub_core.teams import Frozen

_TYPE_COMMENT = re.compile(r"#\s*type:\s*(?P<type>[^\s\[#]+(?:\[[^#]*?\])?)\s*(?P<help>.*)")
_MAX_PARAMETERS = 200


class Parameter(Frozen):
    """One name that a run may set. `default` is source text where it is no plain value."""

    name: str
    type: str = ""
    default: Any = None
    help: str = ""
    typed: bool = False
    """Whether the notebook says the type; what is only concluded from a default binds nobody."""
    computed: bool = False
    """Whether the default is an expression, which only the notebook can work out."""


def parameters_of(notebook: NotebookNode) -> tuple[Parameter, ...]:
    """What the first cell tagged `parameters` declares; nothing if it cannot be read as Python."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" in _tags(cell):
            return _declared(cell.source[:100_000])
    return ()


def validated_parameters(given: Mapping[str, Any], declared: Iterable[Parameter]) -> dict[str, Any]:
    """`given` as it may be handed to papermill, which writes names into code as they are.

    Raises:
        BadInput: `bad-parameter-name` for what is no identifier, `undeclared-parameter` for
            what the notebook does not declare, `bad-parameter-value` for another type than it says.
    """
    known = {p.name: p for p in declared}
    _require_names(given, list(known))
    for name, value in given.items():
        told = known[name]
        unset = value is None and told.default is None
        if told.typed and not unset and not fits(value, told.type):
            raise BadInput(
                "bad-parameter-value",
                f"“{name}” must be {shortened(told.type, 60)}, as the notebook declares it.",
            )
    return dict(given)


def _require_names(given: Iterable[str], known: list[str]) -> None:
    for name in given:
        shown = shortened(name, 60)
        if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
            raise BadInput("bad-parameter-name", f"“{shown}” cannot be the name of a parameter.")
        if name not in known:
            has = f"It declares: {', '.join(known)}." if known else "It declares none."
            raise BadInput(
                "undeclared-parameter", f"The notebook has no parameter “{shown}”. {has}"
            )


def _tags(cell: NotebookNode) -> list[object]:
    tags = cell.metadata.get("tags")
    return tags if isinstance(tags, list) else []


def _declared(source: str) -> tuple[Parameter, ...]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        for name, annotation, value in _assignments(statement):
            comment = comments.get(statement.end_lineno or 0, "")
            found[name] = _parameter(name, annotation, value, comment)
    return tuple(found.values())[:_MAX_PARAMETERS]


def _assignments(statement: ast.stmt) -> list[tuple[str, ast.expr | None, ast.expr | None]]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [(statement.target.id, statement.annotation, statement.value)]
    if isinstance(statement, ast.Assign):
        return [(t.id, None, statement.value) for t in statement.targets if isinstance(t, ast.Name)]
    return []


def _parameter(
    name: str, annotation: ast.expr | None, value: ast.expr | None, comment: str
) -> Parameter:
    computed, default = _value(value)
    match = _TYPE_COMMENT.match(comment)
    help_text = match["help"].strip() if match else comment.lstrip("# ").strip()
    written = match["type"] if match else _annotated(annotation)
    inferred = "" if default is None else type(default).__name__
    return Parameter(
        name=name,
        type=written or inferred,
        default=default,
        help=help_text[:500],
        typed=bool(written),
        computed=computed,
    )


def _annotated(annotation: ast.expr | None) -> str:
    if annotation is None:
        return ""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation)


def _value(node: ast.expr | None) -> tuple[bool, Any]:
    """The default as a JSON value; as source text when it is an expression, which is said."""
    if node is None:
        return True, None
    try:
        return False, _as_json(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return True, ast.unparse(node)[:500]


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, list | tuple):
        return [_as_json(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _as_json(v) for k, v in value.items()}
    raise ValueError(f"{type(value).__name__} is no JSON value")


def _comments(source: str) -> dict[int, str]:
    """The comment at the end of each line, by line number."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return {}
    return {t.start[0]: t.string for t in tokens if t.type == tokenize.COMMENT}
