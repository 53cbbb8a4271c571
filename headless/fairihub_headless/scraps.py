"""`glue(name, value)`: what a notebook wants to say in its results, as scrapbook did."""

from __future__ import annotations

from typing import Any

SCRAP_TYPE = "application/scrapbook.scrap.{}+json"
"""The media type of a value, by how it is written: `text` or `json`."""


def glue(name: str, data: Any, *, display: bool | None = None) -> None:
    """Records `data` under `name`, as scrapbook's `glue` does, so that its readers know it too.

    Args:
        name: the name in the results.
        data: a JSON value (or, with `display`, anything that Jupyter can show).
        display: keep what Jupyter shows of `data` instead of the value itself. Default: only for
            what is not a JSON value.
    """
    from IPython.core.formatters import format_display_data
    from IPython.display import display as show

    if not isinstance(name, str) or not name:
        raise ValueError("glue needs a name")
    as_display = not _is_json(data) if display is None else display
    if as_display:
        shown, metadata = format_display_data(data)  # type: ignore[no-untyped-call]
        show(  # type: ignore[no-untyped-call]
            shown, raw=True,
            metadata={**metadata, "scrapbook": {"name": name, "data": False, "display": True}},
        )  # fmt: skip
        return
    encoder = "text" if isinstance(data, str) else "json"
    payload = {"name": name, "data": data, "encoder": encoder, "version": 1}
    show(  # type: ignore[no-untyped-call]
        {SCRAP_TYPE.format(encoder): payload}, raw=True,
        metadata={"scrapbook": {"name": name, "data": True, "display": False}},
    )  # fmt: skip


def _is_json(data: Any) -> bool:
    if data is None or isinstance(data, bool | int | float | str):
        return True
    if isinstance(data, list | tuple):
        return all(_is_json(item) for item in data)
    if isinstance(data, dict):
        return all(isinstance(k, str) and _is_json(v) for k, v in data.items())
    return False
