"""What a run did, as a page: the executed notebook rendered by a program that can be killed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from fairihub_core.rendering_program import main
from fairihub_core.renderings import Program, Rendered, Renderings
from fairihub_headless.errors import NoReport
from fairihub_headless.folders import RunFolder, place_of

_PROGRAM = Program(
    "fairihub_headless.results.report",
    no_page="No report",
    instead="Take the executed notebook from the files of the run.",
)
_LARGEST = 40 * 2**20
_SECONDS = 20
_AT_ONCE = 2


@dataclass(frozen=True)
class Reports:
    """The reports of all runs, each in a folder below `root` that goes with its run."""

    root: Path
    _slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_AT_ONCE)
    )

    def of(self, run_id: str, folder: RunFolder, name: str, code: str) -> Rendered:
        """The report of the executed notebook `name`. Blocks up to the time limit.

        Args:
            code: “show”, or “hide” for its outputs and texts alone.

        Raises:
            Missing: `no-such-file`, the run left no notebook.
            NoReport: `no-report`, it is too large.
        """
        with folder.open_file(name) as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise NoReport(
                "no-report",
                f"The executed notebook has more than {_LARGEST // 2**20} MiB. {_PROGRAM.instead}",
            )
        kept = Renderings(self.folder(run_id), _PROGRAM, _SECONDS, self._slots)
        return kept.of(sha256(content).hexdigest(), lambda: content, code)

    def folder(self, run_id: str) -> Path:
        return place_of(self.root, run_id)


def _exporter(words: list[str]) -> tuple[Any, type[Exception]]:
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import InvalidNotebook

    exporter = HTMLExporter(template_name="basic", embed_images=False)
    exporter.exclude_input = words == ["hide"]
    return exporter, InvalidNotebook


if __name__ == "__main__":
    main(_exporter)
