"""What curators should know of a notebook before they publish it. Never quotes a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from fairihub_catalog.models import Facts
from fairihub_core.findings import Finding

_MAX_FINDINGS = 50
_PIECE = 4_000
_OVERLAP = 200

# Bounded repetitions only: a hostile line must not cost more than its length.
_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,80}|github_pat_\w{30,90})")),
    ("a GitLab token", re.compile(r"\bglpat-[\w-]{20,60}")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[\w-]{10,80}")),
    ("a Google API key", re.compile(r"\bAIza[\w-]{35}")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{8,200}\.eyJ[\w-]{8,}")),
    (
        "a password in an address",
        re.compile(r"\b[a-z][a-z0-9+]{1,15}://[^\s/:@]{1,80}:[^\s/@]{3,80}@"),
    ),
    (
        "an authorization header",
        re.compile(r"(?i)\bauthorization\W{1,6}(?:bearer|token|basic)\s{1,3}[\w.~+/=-]{12,200}"),
    ),
    (
        "a password, key or token",
        re.compile(
            r"(?i)(?:password|passwd|secret|api_?key|access_?key|auth_?token|api_?token)\w{0,20}"
            r"['\"\]]{0,3}\s{0,3}[=:]\s{0,3}['\"][^'\"\s{}$<>]{8,200}['\"]"
        ),
    ),
)


def findings_of(notebook: NotebookNode, facts: Facts) -> tuple[Finding, ...]:
    """Everything worth a curator's look, what is worst first."""
    return (*_secrets(notebook), *_missing(notebook, facts))[:_MAX_FINDINGS]


def _secrets(notebook: NotebookNode) -> Iterator[Finding]:
    for number, cell in enumerate(notebook.cells, 1):
        for kind in _kinds(str(cell.source)):
            yield _secret(number, "source", kind)
        for kind in dict.fromkeys(k for text in _output_texts(cell) for k in _kinds(text)):
            yield _secret(number, "output", kind)


def _secret(cell: int, where: str, kind: str) -> Finding:
    return Finding(
        severity="warning",
        code=f"secret-in-{where}",
        message=f"Cell {cell}: its {where} holds what looks like {kind}.",
    )


def _kinds(text: str) -> list[str]:
    """What kinds of secret `text` seems to hold."""
    found: dict[str, None] = {}
    # In pieces that overlap: one search over a line of megabytes would stall other threads.
    for start in range(0, max(len(text), 1), _PIECE):
        piece = text[start : start + _PIECE + _OVERLAP]
        found.update((name, None) for name, pattern in _SECRETS if pattern.search(piece))
    return list(found)


def _output_texts(cell: NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", ()):
        yield str(output.get("text", ""))
        yield str(output.get("evalue", ""))
        yield "\n".join(map(str, output.get("traceback", ())))
        for kind, data in output.get("data", {}).items():
            if not kind.startswith("image/") or kind == "image/svg+xml":
                yield str(data)


def _missing(notebook: NotebookNode, facts: Facts) -> Iterator[Finding]:
    hints = (
        (not facts.description, "no-description", "It has no description."),
        (not facts.license, "no-license", "It names no licence (metadata.properties.license)."),
        (not facts.kernel.name, "no-kernel", "It names no kernel: a copy must ask for one."),
        (_has_failed(notebook), "failed-output", "The outputs show an error of its last run."),
    )
    for applies, code, message in hints:
        if applies:
            yield Finding(severity="info", code=code, message=message)


def _has_failed(notebook: NotebookNode) -> bool:
    outputs = (o for c in notebook.cells for o in c.get("outputs", ()))
    return any(o.get("output_type") == "error" for o in outputs)
