"""How Sphinx builds these pages; `make docs` treats every warning as an error."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
# The repository itself, for the matrix of access that the tests walk.
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

project = "fairihub"
author = "the fairihub contributors"
project_copyright = "2026, the fairihub contributors"
version = release = version_of("fairihub")

extensions = ["myst_parser", "fairihub_reference"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "pydata_sphinx_theme"
html_title = "fairihub"
html_show_sourcelink = False
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
