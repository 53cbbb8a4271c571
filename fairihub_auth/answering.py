"""What the handlers of the hub's own API share: with what is asked, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import Any

from jupyterhub.apihandlers import APIHandler
from pydantic import BaseModel
from tornado import web

from fairihub_core.callers import CHALLENGE, asks_from_elsewhere, forged
from fairihub_core.errors import BadInput, FairihubError, TooLarge
from fairihub_core.query import query_of

Handlers = list[tuple[str, type[APIHandler], dict[str, Any]]]
"""As `c.JupyterHub.extra_handlers` takes them."""
_MAX_BODY = 512 * 1024


class _Refusal(web.HTTPError):
    """An error on its way out of `prepare`, from where only an exception leads."""

    def __init__(self, error: FairihubError) -> None:
        super().__init__(error.status, error.message)
        self.error = error


class JsonHandler(APIHandler):
    """Answers in JSON, refusals too: `{"code", "message"}`, as every service of the hub does."""

    refused_as = ""
    """The code of the refusal, for the audit log."""

    async def prepare(self) -> None:
        if len(self.request.body) > _MAX_BODY:
            self.request.body_arguments.clear()
            raise _Refusal(TooLarge("too-large", f"More than {_MAX_BODY // 1024} KiB."))
        await super().prepare()

    def check_xsrf_cookie(self) -> None:
        """What a browser sends by its session is asked for by a page of ours, or refused."""
        try:
            super().check_xsrf_cookie()
        except web.HTTPError:
            raise _Refusal(forged()) from None
        if getattr(self, "_jupyterhub_user", None) is not None and asks_from_elsewhere(self):
            raise _Refusal(forged())

    async def answer(self, work: Awaitable[Any], status: int = 200) -> None:
        """Says what `work` comes to, a model or a JSON value.

        For None there is no body; the status is 204 then, unless `work` has set another.
        """
        try:
            result = await work
        except FairihubError as error:
            self._tell(error)
            return
        self.set_header("Cache-Control", "no-store")
        if result is None:
            if self.get_status() == 200:
                self.set_status(204)
            self.finish()
        else:
            self.set_status(status)
            self.finish(
                result.model_dump_json() if isinstance(result, BaseModel) else json.dumps(result)
            )

    def query(self, *allowed: str) -> Mapping[str, str]:
        """The parameters of the address.

        Raises:
            BadInput: `unknown-parameter`, `bad-query`.
        """
        return query_of(self.request.query_arguments, allowed)

    def body(self) -> Any:
        """The body as JSON.

        Raises:
            BadInput: `bad-json`.
        """
        try:
            return json.loads(self.request.body.decode("utf-8"))
        except (ValueError, RecursionError):
            raise BadInput("bad-json", "The body is not JSON.") from None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        exception = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(exception, _Refusal):
            self._tell(exception.error)
        else:
            super().write_error(status_code, **kwargs)

    def _tell(self, error: FairihubError) -> None:
        self.refused_as = error.code
        self.set_status(error.status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        if error.status == 401:
            for name, value in CHALLENGE.items():
                self.set_header(name, value)
        self.finish(json.dumps(error.to_dict()))
