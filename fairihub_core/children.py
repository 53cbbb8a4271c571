"""What child processes that read a stranger's notebook are given: a bare environment and limits."""

from __future__ import annotations

import os
import resource
import sys

_HANDED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")


def child_environment(**more: str) -> dict[str, str]:
    """An environment without secrets: such a child has no need of tokens."""
    kept = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", **more}


def limit_this_process(
    memory: int, cpu_seconds: int | None = None, file_size: int | None = None
) -> None:
    """Limits on the calling process, which it cannot take back; as far as the system has them."""
    limits = [(resource.RLIMIT_CORE, 0, 0)]
    # macOS refuses limits on address space.
    if sys.platform.startswith("linux"):
        limits.append((resource.RLIMIT_AS, memory, memory))
    if cpu_seconds is not None:
        limits.append((resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1))
    if file_size is not None:
        limits.append((resource.RLIMIT_FSIZE, file_size, file_size))
    for kind, soft, hard in limits:
        resource.setrlimit(kind, (soft, hard))
