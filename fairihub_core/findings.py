"""What reading a file brought to light: where, how bad, and what was understood."""

from __future__ import annotations

from typing import Literal

from fairihub_core.teams import Frozen

Severity = Literal["info", "warning", "error"]


class Finding(Frozen):
    """One remark on a file. Lines and columns count from 1; 0 means the whole file.

    An `error` refuses the team; a `warning` was repaired or ignored, and `understood` says how.
    """

    line: int = 0
    column: int = 0
    severity: Severity
    code: str
    message: str
    understood: str | None = None

    def line_in(self, path: str) -> str:
        """As editors and people can follow it: `file:line:column: …`."""
        place = ":".join((path, *(str(number) for number in (self.line, self.column) if number)))
        understood = f" Understood: {self.understood}." if self.understood else ""
        return f"{place}: {self.severity}: {self.message}{understood} [{self.code}]"
