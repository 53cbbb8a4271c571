"""The outputs of a run as the OGC has them handed out: a document, raw, or in parts.

Pure but for an output that is a file, which is read only where it must stand among others.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from fairihub_core.errors import TooLarge
from fairihub_headless.models import Run
from fairihub_headless.processes.model import JSON, TEXT

_LINK_ONLY = frozenset({"notebook"})
"""Outputs that are linked to unless asked for by value: they can have many megabytes."""
_MOST_WITHIN = 16 * 2**20
_MOST_MARKS = 500_000
"""Marks that part values: Python's reader of JSON lets no other thread work meanwhile."""
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Kept:
    """The value of an output that is a file."""

    opened: Callable[[], BinaryIO]

    def read(self, name: str) -> bytes:
        """All of it, to stand among others. Blocks.

        Raises:
            TooLarge: `too-large`.
        """
        with self.opened() as file:
            fits = os.fstat(file.fileno()).st_size <= _MOST_WITHIN
            content = file.read(_MOST_WITHIN) if fits else b""
        if not fits or sum(map(content.count, (b",", b":", b"[", b"{"))) > _MOST_MARKS:
            raise TooLarge(
                "too-large",
                f"“{name}” is too large to stand among other outputs: ask for it by reference.",
            )
        return content


@dataclass(frozen=True)
class Output:
    """One output of a run."""

    name: str
    media_type: str
    """What it is when it stands alone."""
    href: str
    """Where it can be had alone."""
    value: Any
    by_value: bool
    """Whether it is handed out itself, rather than as a link."""
    bare: bool = False
    """Whether its objects stand in a document as they are: the OGC knows this form."""

    @property
    def plain(self) -> bytes:
        """Its bytes when it stands alone."""
        if isinstance(self.value, Kept):
            return self.value.read(self.name)
        if self.media_type == TEXT and isinstance(self.value, str):
            return self.value.encode("utf-8", "replace")
        return json.dumps(self.value, ensure_ascii=False).encode("utf-8", "replace")

    @property
    def told_type(self) -> str:
        return f"{TEXT}; charset=utf-8" if self.media_type == TEXT else self.media_type


@dataclass(frozen=True)
class Raw:
    """An answer that is an output itself, or several in parts, or only the ways to them."""

    status: int
    headers: Headers
    body: bytes = b""
    file: Kept | None = None
    """In place of a body: it is sent as it is read."""


def is_wanted(run: Run, name: str) -> bool:
    return run.outputs is None or name in run.outputs


def is_by_value(run: Run, name: str) -> bool:
    """Whether the request wants the output itself, rather than a link to it."""
    choice = (run.outputs or {}).get(name)
    if choice is None:
        return name not in _LINK_ONLY
    return choice.transmissionMode == "value"


def document_of(outputs: Sequence[Output]) -> dict[str, Any]:
    """The outputs by name: plain values, objects qualified, and links."""
    return {output.name: _shown(output) for output in outputs}


def raw_of(outputs: Sequence[Output], accept: str = "*/*") -> Raw:
    """The outputs themselves, in the form that their number and kind ask for."""
    if not any(output.by_value for output in outputs):
        return Raw(204, [("Link", _way_to(output)) for output in outputs])
    if len(outputs) == 1:
        return alone(outputs[0], accept)
    return _in_parts(outputs)


def alone(output: Output, accept: str = "*/*") -> Raw:
    """One output; a text also as JSON, for whoever takes nothing else."""
    if output.media_type == TEXT and JSON in accept and "text/" not in accept:
        return Raw(200, [("Content-Type", JSON)], json.dumps(output.value).encode())
    told = [("Content-Type", output.told_type)]
    if isinstance(output.value, Kept):
        return Raw(200, told, file=output.value)
    return Raw(200, told, output.plain)


def _shown(output: Output) -> Any:
    if not output.by_value:
        return {"href": output.href, "type": output.media_type, "title": output.name}
    value = output.value
    if isinstance(value, Kept):
        value = json.loads(value.read(output.name))
    if isinstance(value, Mapping) and not output.bare:
        return {"value": value, "mediaType": output.media_type}
    return value


def _way_to(output: Output) -> str:
    return f'<{output.href}>; rel="item"; title="{output.name}"; type="{output.media_type}"'


def _in_parts(outputs: Sequence[Output]) -> Raw:
    """As RFC 2387 has it: a part for each output, empty for one that is linked to."""
    boundary = secrets.token_hex(16)
    parts = b"".join(_part(output, boundary) for output in outputs)
    root = outputs[0].media_type
    kind = f'multipart/related; boundary={boundary}; type="{root}"'
    return Raw(200, [("Content-Type", kind)], parts + f"--{boundary}--\r\n".encode())


def _part(output: Output, boundary: str) -> bytes:
    head = [f"--{boundary}", f"Content-Type: {output.told_type}", f"Content-ID: {output.name}"]
    if not output.by_value:
        head.append(f"Content-Location: {output.href}")
    body = output.plain if output.by_value else b""
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body + b"\r\n"
