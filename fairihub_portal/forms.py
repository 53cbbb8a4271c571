"""The profile page's form as HTML; the hub puts it into `spawn.html`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fairihub_portal.texts import SOURCE, Words
from fairihub_portal.views import ProfilePage

TEMPLATES = Path(__file__).parent / "templates"


def profile_form(
    page: ProfilePage, contact: str = "", language: str = SOURCE, home_url: str = ""
) -> str:
    """The choice of profiles with its start button, or why there is nothing to choose.

    Never empty: an empty form would make the hub start a server without asking.
    """
    template = _environment().get_template("_profiles.html")
    return template.render(page=page, contact=contact, language=language, home_url=home_url)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[Words],
    )
