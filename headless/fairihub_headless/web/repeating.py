"""A run again, and for longer: for programs, and for people by a form."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from fairihub_core.clock import today
from fairihub_core.errors import BadInput, FairihubError
from fairihub_core.offers import offers_for
from fairihub_headless.again import shown_parameters
from fairihub_headless.models import Run
from fairihub_headless.once import key_of
from fairihub_headless.payload import json_object
from fairihub_headless.running import require_repeatable
from fairihub_headless.web import pages
from fairihub_headless.web.base_handler import REPLAYED, Base
from fairihub_headless.web.executing import keep_pace
from fairihub_headless.web.negotiating import require_json
from fairihub_headless.web.streaming import Streaming


class Again(Streaming):
    """Repeats a run with the notebook, parameters and limits that are stored with it."""

    async def post(self, jobID: str) -> None:
        self.require_admitted()
        keep_pace(self)
        body = bytes(self.received)
        changes: dict[str, Any] = {}
        if body.strip():
            require_json(self.request.headers.get("Content-Type", ""))
            changes = await asyncio.to_thread(json_object, body)
        key = key_of(self.request.headers.get("Idempotency-Key"), {"again": jobID, "with": changes})
        run = await self.runs.again(jobID, changes, self.caller, key=key)
        self.set_header("Location", f"{self.base}jobs/{run.id}")
        if run.replayed:
            self.set_header(REPLAYED, "true")
        self.answer(await self.status_of(run), "Accepted", status=201)


class AgainForm(Base):
    """The same for people: a form with what the run was given, and what comes of it."""

    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        require_repeatable(run)
        if not self.wants_page:
            self.redirect(f"{self.base}jobs/{run.id}", status=303)
            return
        shown = shown_parameters(run, await self.runs.declared(run))
        typed = json.dumps(shown, ensure_ascii=False, indent=2)
        await self._ask(run, pages.Typed(typed, run.profile))

    async def post(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        text = self.get_body_argument("parameters", "{}", strip=False)
        typed = pages.Typed(text, self.get_body_argument("profile", run.profile))
        try:
            keep_pace(self)
            given = await asyncio.to_thread(_parameters, typed.parameters)
            inputs = {"parameters_json": given, "profile": typed.profile}
            new = await self.runs.again(jobID, {"inputs": inputs}, self.caller, whole=True)
        except FairihubError as problem:
            if not self.wants_page or run.expired is not None:
                raise
            await self._ask(run, typed, problem)
            return
        self.redirect(f"{self.base}jobs/{new.id}", status=303)

    async def _ask(
        self, run: Run, typed: pages.Typed, problem: FairihubError | None = None
    ) -> None:
        offers = offers_for(self.caller.login, self.caller.directory, today())
        profiles = [o.name for o in offers if o.team.name == run.team]
        status, declared = await self.status_of(run), await self.runs.declared(run)
        content = partial(
            pages.repeat, status, typed, profiles, declared, xsrf_of(self), self.base,
            None if problem is None else problem.message,
        )  # fmt: skip
        self.answer(status, "Run again", problem.status if problem else 200, content=content)


class Pin(Base):
    """Keeps what a run left, whatever its age."""

    async def put(self, jobID: str) -> None:
        await self._answer(jobID, pinned=True)

    async def delete(self, jobID: str) -> None:
        await self._answer(jobID, pinned=False)

    async def _answer(self, jobID: str, *, pinned: bool) -> None:
        run = await self.runs.pin(jobID, self.caller, pinned=pinned)
        self.answer(await self.status_of(run), "Pinned")


class PinForm(Base):
    """The same for people, by a form on the page of the run."""

    async def post(self, jobID: str) -> None:
        pinned = self.get_body_argument("pinned", "yes") == "yes"
        run = await self.runs.pin(jobID, self.caller, pinned=pinned)
        self.redirect(f"{self.base}jobs/{run.id}", status=303)


def xsrf_of(handler: Base) -> str:
    """The token that a form of ours carries."""
    token = handler.xsrf_token
    return token.decode() if isinstance(token, bytes) else str(token)


def _parameters(text: str) -> dict[str, object]:
    try:
        return json_object(text.encode("utf-8", "replace"))
    except BadInput as problem:
        said = problem.message.replace("The body", "What stands under “Parameters”")
        raise BadInput(problem.code, said) from None
