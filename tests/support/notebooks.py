"""Small notebooks for tests, written as their cells."""

from __future__ import annotations

from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

GLUE = """\
from IPython.display import display
def glue(name, value):
    display({"application/scrapbook.scrap.json+json":
             {"name": name, "data": value, "encoder": "json", "version": 1}},
            metadata={"scrapbook": {"name": name, "data": True, "display": False}}, raw=True)
"""


def notebook(*code: str, title: str = "A test", parameters: str | None = None) -> dict[str, Any]:
    """A notebook with a heading, a `parameters` cell if there are any, and cells of code."""
    cells = [new_markdown_cell(f"# {title}\n\nMade by a test.")]
    if parameters is not None:
        cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    cells += [new_code_cell(source) for source in code]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made: dict[str, Any] = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return made
