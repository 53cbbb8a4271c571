"""How much room on the disk takes what a run leaves: while it grows, and at the end."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from fairihub_core.units import human_bytes
from fairihub_headless.models import Failure

_EVERY = 10.0
_SHARE = 20
"""To look takes at most this part of the time."""
_BLOCK = 512


class Room:
    """Looked at now and then, more seldom where there are so many files that it takes long.

    Args:
        folder: where results grow, the executed notebook and RESULTS_DIRECTORY among them.
        most: bytes that all in it may take on the disk.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._next = 0.0

    def look(self) -> Failure | None:
        """Why the run is to be ended, if it has taken too much. Blocks."""
        began = time.monotonic()
        if began < self._next:
            return None
        found = too_large(self._folder, self._most)
        took = time.monotonic() - began
        self._next = began + max(_EVERY, _SHARE * took)
        return found


def used_by(folder: Path, most: int) -> int:
    """The bytes that all below `folder` takes, counted until they are more than `most`. Blocks.

    A file with several names takes its bytes once.
    """
    used, counted = 0, set[tuple[int, int]]()
    with contextlib.suppress(OSError):
        for _, _, names, place in os.fwalk(folder):
            for name in names:
                with contextlib.suppress(OSError):
                    about = os.stat(name, dir_fd=place, follow_symlinks=False)
                    file = about.st_dev, about.st_ino
                    used += 0 if file in counted else _BLOCK * about.st_blocks
                    if about.st_nlink > 1:
                        counted.add(file)
            if used > most:
                break
    return used


def too_large(folder: Path, most: int) -> Failure | None:
    """Why a run has failed of which all below `folder` takes more than `most`. Blocks."""
    if used_by(folder, most) <= most:
        return None
    return Failure(
        code="results-too-large",
        message=f"What the run has written takes more than {human_bytes(most)} of the disk, the "
        "most that this hub allows.",
    )
