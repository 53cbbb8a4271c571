"""Where the example teams and notebooks lie: in a checkout, or inside the installed package."""

from __future__ import annotations

from pathlib import Path

_INSTALLED = Path(__file__).parent / "_examples"
_EXAMPLES = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent / "examples"

EXAMPLE_TEAMS = _EXAMPLES / "teams"
EXAMPLE_NOTEBOOKS = _EXAMPLES / "notebooks"
