"""Waiting for what happens in another process, for as long as it may take and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def eventually(what: Callable[[], Any], seconds: float = 20) -> Any:
    """The first true answer of `what`; its last answer if there was none in time."""
    until = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > until:
            return answer
        time.sleep(0.1)
