"""What the service says of itself: landing page, conformance, OpenAPI, processes."""

from __future__ import annotations

from functools import partial

from fairihub_core.clock import today
from fairihub_core.scopes import READ_RUNS
from fairihub_headless.processes.offered import named, offered
from fairihub_headless.web import pages, views
from fairihub_headless.web.base_handler import Base
from fairihub_headless.web.jobs import answer_jobs
from fairihub_headless.web.openapi import openapi_document


class Landing(Base):
    async def get(self) -> None:
        if self.wants_page:  # whoever comes from the hub's pages looks for their runs
            self.visitor.require(READ_RUNS)
            await answer_jobs(self)
        else:
            title = f"Runs of {self.service.name}"
            self.answer(views.landing(self.base, self.service.name), title)


class Conformance(Base):
    def get(self) -> None:
        told = {"conformsTo": list(views.CONFORMANCE)}
        self.answer(told, "Conformance", content=lambda: pages.conformance(told, self.base))


class OpenApi(Base):
    def get(self) -> None:
        title = f"Runs of {self.service.name}"
        told = openapi_document(
            self.settings["routes"],
            self.base,
            title,
            self.service.brand.hub_url,
            offered(self.caller, self.runs.settings, today()),
        )
        plain = "application/json" in self.request.headers.get("Accept", "")
        self.answer(
            told,
            "The API",
            content=lambda: pages.api(told, self.base),
            kind="application/json" if plain else views.OPENAPI,
        )


class Processes(Base):
    def get(self) -> None:
        told = views.process_list(
            offered(self.caller, self.runs.settings, today()),
            self.base,
            limit=self.whole_number("limit", 100, most=1000, least=1),
            offset=self.whole_number("offset", 0, most=10**9),
        )
        self.answer(told, "Processes", content=lambda: pages.processes(told, self.base))


class Process(Base):
    def get(self, processID: str) -> None:
        process = named(processID, offered(self.caller, self.runs.settings, today()))
        told = views.process_description(process, self.base)
        content = partial(pages.process, told, process.example, self.base, self.service.brand)
        self.answer(told, process.title, content=content)
