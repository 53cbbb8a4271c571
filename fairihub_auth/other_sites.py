"""Whether a page of another site asks, by what the browser says of it.

JupyterHub believes whoever knows the value of its pages; one that leaked would be enough.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from jupyterhub.handlers import BaseHandler
from tornado import web

from fairihub_core.callers import forged, is_foreign

ADDRESS = "fairihub_address"
"""Of tornado's settings: the address under which people reach the hub."""
_CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})

_theirs = BaseHandler.check_xsrf_cookie


def refuse_other_sites() -> None:
    """For all pages and addresses of this process, most of which are JupyterHub's."""
    BaseHandler.check_xsrf_cookie = _checked


def asks_from_elsewhere(handler: Any) -> bool:
    """Whether another site's page asks, in the name of whoever uses the browser.

    A script says by a token of its own who it is, and no browser sends that along.
    """
    if getattr(handler, "_token_authenticated", False):
        return False
    public = handler.settings.get("public_url")
    known = urlsplit(handler.settings.get(ADDRESS, "")).netloc
    own = (handler.request.host, *([public.netloc] if public else []), *([known] if known else []))
    return is_foreign(handler.request.headers.get("Origin"), own)


def _checked(handler: Any) -> None:
    _theirs(handler)
    # JupyterHub asks twice; who asks is known the second time only.
    if not hasattr(handler, "_jupyterhub_user") or handler.request.method in _CHANGES_NOTHING:
        return
    if asks_from_elsewhere(handler):
        raise web.HTTPError(403, forged().message)
