"""Previews of the catalogue's notebooks, and the program that makes one.

Run apart as `python -m fairihub_catalog.preview`.
"""

from __future__ import annotations

from typing import Any

from fairihub_core.rendering_program import main
from fairihub_core.renderings import Program

PREVIEW = Program("fairihub_catalog.preview")


def _exporter(_: list[str]) -> tuple[Any, type[Exception]]:
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import InvalidNotebook

    return HTMLExporter(template_name="basic", embed_images=False), InvalidNotebook


if __name__ == "__main__":
    main(_exporter)
