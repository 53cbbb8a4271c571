"""The frame of every page of a service: the hub's name, where one can go, sign out.

Its one script tells who is let in no more, and is in pages for somebody signed in only.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from html import escape
from pathlib import Path

from fairihub_core.palette import palette

STANDING = Path(__file__).with_name("standing.js")
"""The script that asks the hub whether the reader is still let in; pages of the hub have it too."""
_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
_SCRIPT = STANDING.read_text(encoding="utf-8")
_MARK = (
    '<svg class="fh-logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">'
    '<path d="M16 3 29 10 16 17 3 10Z" fill="currentColor"/>'
    '<path d="M3 16 16 23 29 16M3 22 16 29 29 22" fill="none" stroke="currentColor" '
    'stroke-width="2.4" stroke-linejoin="round" stroke-linecap="round"/></svg>'
)


@dataclass(frozen=True)
class Brand:
    """How a hub shows itself, as its settings say; every page of its services bears it.

    Raises:
        BadInput: `bad-colour`, as soon as the style is asked for.
    """

    name: str
    colour: str
    catalog_name: str
    hub_url: str
    """Where the hub's addresses begin, such as `/`."""
    has_logo: bool = False

    @cached_property
    def css(self) -> str:
        return palette(self.colour).css + _STYLE

    @cached_property
    def policy(self) -> str:
        """The Content-Security-Policy of a page: this very style and script, and our own host."""
        return self.policy_with()

    def policy_with(self, *scripts: str) -> str:
        """The same for a page that has these scripts inside, too."""
        allowed = " ".join(_hash(script) for script in (_SCRIPT, *scripts))
        return (
            f"default-src 'none'; style-src {_hash(self.css)}; script-src {allowed}; "
            "connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )

    @property
    def places(self) -> dict[str, str]:
        """Where one can go: addresses and what they are called."""
        return {
            f"{self.hub_url}hub/home": "Home",
            f"{self.hub_url}services/catalog/": self.catalog_name,
            f"{self.hub_url}services/headless/": "Runs",
        }


def service_page(brand: Brand, title: str, content: str, here: str, login: str | None) -> str:
    """A whole page.

    Args:
        title: text; it is escaped here, as the login is.
        content: what is in `<main>`, as HTML that is safe already.
        here: the address among `brand.places` that is marked as the present one.
        login: who is signed in, if that is known.
    """
    name = escape(brand.name)
    icon = f"{brand.hub_url}hub/" + ("logo" if brand.has_logo else "fairihub-static/mark.svg")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)} · {name}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<link rel="icon" href="{escape(icon)}"><style>{brand.css}</style></head>'
        f'<body><a class="fh-skip" href="#content">Skip to content</a>'
        f"{_header(brand, name, here, login)}"
        f'<main id="content" class="fh-main" tabindex="-1">{content}</main></body></html>\n'
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _header(brand: Brand, name: str, here: str, login: str | None) -> str:
    hub = escape(brand.hub_url)
    mark = f'<img class="fh-logo" src="{hub}hub/logo" alt="">' if brand.has_logo else _MARK
    links = "".join(
        f'<li><a href="{escape(address)}"{" aria-current=page" if address == here else ""}>'
        f"{escape(words)}</a></li>"
        for address, words in brand.places.items()
    )
    account = "" if login is None else _account(hub, escape(login))
    return (
        f'<header class="fh-header"><div class="fh-bar">'
        f'<a class="fh-brand" href="{hub}hub/home">{mark}<span>{name}</span></a>'
        f'<nav aria-label="Main"><ul class="fh-links">{links}</ul></nav>{account}</div></header>'
        f"{'' if login is None else _standing(hub)}"
    )


def _account(hub: str, login: str) -> str:
    return (
        f'<div class="fh-account"><span class="fh-login" title="Signed in as {login}">'
        f'<span class="fh-unseen">Signed in as </span>{login}</span>'
        f'<a class="fh-button fh-small" href="{hub}hub/logout">Sign out</a></div>'
    )


def _standing(hub: str) -> str:
    """The banner for whoever is let in no more while the page is open, and its script."""
    return (
        '<aside class="fh-standing" id="standing" aria-label="Your access" '
        f'data-url="{hub}hub/api/fairihub/standing" hidden><div class="fh-bar">'
        '<p role="alert" id="standing-why" '
        'data-no-team="You are no longer in a team of this hub." '
        'data-closed="Your team or your membership has closed." '
        'data-another-person="Your login belongs to another account now." '
        'data-unusable-login="This hub cannot use your login." '
        'data-signed-out="You are signed out." '
        'data-server="The team of your server lets you in no more."></p>'
        '<p id="standing-end" data-ends="Your server ends in {time}." '
        'data-ended="Your server has been ended. What was saved is still there."></p>'
        f'<a id="standing-more" href="{hub}hub/login" '
        'data-signed-out="Sign in again" data-else="What to do"></a></div></aside>'
        f'<script type="module">{_SCRIPT}</script>'
    )
