"""`fairihub up` where it is to refuse: as a process, since it ends all that is below its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def refused_up(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What `fairihub up` said and how it ended; in the tests' process it would end their hubs."""
    start = "import sys; from fairihub.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "up", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
