"""The catalogue as a web page: a list with a search, made on the server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fairihub_catalog.catalogue import Catalogue
from fairihub_catalog.index import Query
from fairihub_catalog.operations import Answer, Call, query_of
from fairihub_core.service_page import Brand, service_page

_FOLDER = Path(__file__).parent / "templates"
_templates = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


@dataclass(frozen=True)
class Links:
    """Where things are: the service's own prefix, the hub's base."""

    here: str
    hub_base: str

    def preview(self, identifier: str) -> str:
        return f"{self.here}api/notebooks/{quote(identifier, safe='')}/preview"

    def copy(self, identifier: str) -> str:
        return f"{self.hub_base}hub/user-redirect/lab?copy={quote(identifier, safe='')}"

    def search(self, query: Query, **change: Any) -> str:
        """The address of the same search with something changed."""
        asked = {
            "q": query.text,
            "tag": list(query.tags),
            "team": query.team,
            "offset": query.offset,
            **change,
        }
        return f"{self.here}?{urlencode({k: v for k, v in asked.items() if v}, doseq=True)}"


def listing(catalogue: Catalogue, call: Call, links: Links, brand: Brand) -> Answer:
    """The page for this search."""
    query = query_of(call)
    page = catalogue.index.search(query)
    content = _made(
        "catalogue.html",
        title=catalogue.name,
        query=query,
        page=page,
        links=links,
        shown=(query.offset + 1, query.offset + len(page.notebooks)),
    )
    return _answer(brand, catalogue.name, content, call.caller.login)


def problem(answer: Answer, brand: Brand, login: str | None) -> Answer:
    """An error of the API, as a page."""
    told = json.loads(answer.body)
    title = HTTPStatus(answer.status).phrase
    home = f"{brand.hub_url}hub/home"
    content = _made("problem.html", title=title, message=told["message"], home=home)
    return _answer(brand, title, content, login, answer.status)


def _made(template: str, **names: Any) -> str:
    return _templates.get_template(template).render(**names)


def _answer(brand: Brand, title: str, content: str, login: str | None, status: int = 200) -> Answer:
    html = service_page(brand, title, content, f"{brand.hub_url}services/catalog/", login)
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": brand.policy,
        "Referrer-Policy": "same-origin",
    }
    return Answer(html.encode(), status, headers)
