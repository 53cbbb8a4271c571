"""Refuses what a page of another site asks, by what the browser says of it.

JupyterHub believes whoever knows the value of its pages; one that leaked would be enough.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers import BaseHandler
from tornado import web

from fairihub_core.callers import asks_from_elsewhere, forged

_CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})

_theirs = BaseHandler.check_xsrf_cookie


def refuse_other_sites() -> None:
    """For all pages and addresses of this process, most of which are JupyterHub's."""
    BaseHandler.check_xsrf_cookie = _checked


def _checked(handler: Any) -> None:
    _theirs(handler)
    # JupyterHub asks twice; who asks is known the second time only.
    if not hasattr(handler, "_jupyterhub_user") or handler.request.method in _CHANGES_NOTHING:
        return
    if asks_from_elsewhere(handler):
        raise web.HTTPError(403, forged().message)
