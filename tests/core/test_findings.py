"""A finding as people read it."""

from __future__ import annotations

import pytest

from fairihub_core.findings import Finding


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding(severity="error", code="bad-role", message="No.", line=3, column=7),
         "a.yaml:3:7: error: No. [bad-role]"),
        (Finding(severity="info", code="x", message="Hm.", line=3), "a.yaml:3: info: Hm. [x]"),
        (Finding(severity="warning", code="y", message="So.", understood="8 GB"),
         "a.yaml: warning: So. Understood: 8 GB. [y]"),
    ],
)  # fmt: skip
def test_a_finding_in_a_line(finding: Finding, line: str) -> None:
    assert finding.line_in("a.yaml") == line
