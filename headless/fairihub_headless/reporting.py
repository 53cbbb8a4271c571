"""`progress(fraction, message)`: how far a notebook is, for whoever follows its run.

It travels as a display of a media type of its own, which shows nothing; so a kernel of any
language can say it too. The engine takes it out of the notebook's outputs and passes it on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

PROGRESS_TYPE = "application/vnd.fairihub.progress+json"
LONGEST_MESSAGE = 1000
_MOST_READ = 4 * LONGEST_MESSAGE
"""More than is passed on in the end: a secret is looked for before the text is cut."""
_PAUSE = 0.2

T = TypeVar("T")


def progress(fraction: float, message: str = "") -> None:
    """Says how far the notebook is; without a notebook around it, nothing happens.

    Args:
        fraction: from 0 to 1.
        message: a few words on what is being done; no secret.
    """
    if not 0 <= float(fraction) <= 1:
        raise ValueError(f"fraction is from 0 to 1, not {fraction!r}")
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:  # a script outside of a notebook
        return
    shell = get_ipython()
    if shell is None:
        return
    told = {"fraction": float(fraction), "message": str(message)[:LONGEST_MESSAGE]}
    # An update of a display that is nowhere: no front end keeps an output for it.
    shell.display_pub.publish(
        {PROGRESS_TYPE: told}, transient={"display_id": "fairihub-progress"}, update=True
    )


def track(items: Iterable[T], message: str = "", total: int | None = None) -> Iterator[T]:
    """`items`, one after the other, saying how many of them are done; a few times a second at most.

    Args:
        message: what is being done; the number of items follows it.
        total: how many items there are, if `len(items)` cannot say.
    """
    many = total if total is not None else len(items)  # type: ignore[arg-type]
    told = float("-inf")
    for done, item in enumerate(items):
        if time.monotonic() - told >= _PAUSE:
            told = time.monotonic()
            progress(min(1.0, done / many) if many else 0.0, f"{message} {done}/{many}".strip())
        yield item
    progress(1.0, f"{message} {many}/{many}".strip())


def taken_out(content: dict[str, Any]) -> tuple[float, str] | None:
    """What a display reports, taken out of its data; None if that is not to be understood.

    For the engine: whatever a kernel may send, what comes out is a fraction and a short line.
    """
    told = content["data"].pop(PROGRESS_TYPE, None)
    if not isinstance(told, Mapping):
        return None
    fraction, message = told.get("fraction"), told.get("message", "")
    if isinstance(fraction, bool) or not isinstance(fraction, int | float):
        return None
    if not math.isfinite(fraction):
        return None
    line = message[:_MOST_READ] if isinstance(message, str) else ""
    shown = "".join(c if c.isprintable() else " " for c in line).strip()
    return min(1.0, max(0.0, float(fraction))), shown
