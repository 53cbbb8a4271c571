"""What the handlers of starts and leftovers share: how they are asked, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from jupyterhub.apihandlers import APIHandler
from pydantic import BaseModel
from tornado import web

from fairihub_core.callers import CHALLENGE, asks_from_elsewhere, forged
from fairihub_core.errors import FairihubError, Unavailable
from fairihub_core.starts import Diagnosis
from fairihub_core.teams import TeamDirectory

Handlers = list[tuple[str, type[APIHandler], dict[str, Any]]]
"""As `c.JupyterHub.extra_handlers` takes them."""


class _Refusal(web.HTTPError):
    """An error on its way out of `prepare`, from where only an exception leads."""

    def __init__(self, error: FairihubError) -> None:
        super().__init__(error.status, error.message)
        self.error = error


class JsonHandler(APIHandler):
    """Answers in JSON, refusals too: `{"code", "message"}`."""

    def initialize(self, directory: Callable[[], TeamDirectory]) -> None:
        self._directory = directory

    def check_xsrf_cookie(self) -> None:
        """What a browser sends by its session is asked for by a page of ours, or refused."""
        try:
            super().check_xsrf_cookie()
        except web.HTTPError:
            raise _Refusal(forged()) from None
        if getattr(self, "_jupyterhub_user", None) is not None and asks_from_elsewhere(self):
            raise _Refusal(forged())

    async def answer(self, work: Awaitable[BaseModel]) -> None:
        try:
            told = await work
        except FairihubError as error:
            self._tell(error)
            return
        self.set_header("Cache-Control", "no-store")
        self.finish(told.model_dump_json())

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        exception = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(exception, _Refusal):
            self._tell(exception.error)
        else:
            super().write_error(status_code, **kwargs)

    def _tell(self, error: FairihubError) -> None:
        self.set_status(error.status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        if error.status == 401:
            for name, value in CHALLENGE.items():
                self.set_header(name, value)
        self.finish(json.dumps(error.to_dict()))


def away(diagnosis: Diagnosis) -> Unavailable:
    """What a cluster that cannot be asked comes to for whoever asks the hub."""
    return Unavailable(diagnosis.code, diagnosis.said)
