"""The catalogue: library, search, preview, contributions."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    # Imported here, so that the service need not load a Jupyter server.
    from fairihub_catalog.extension import CatalogExtension

    return [{"module": "fairihub_catalog", "app": CatalogExtension}]
