"""The frame of the services' pages: the hub's name and colour, ways out of it, and one script."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import get_args

import pytest

from fairihub_core.access import Reason
from fairihub_core.errors import BadInput
from fairihub_core.palette import DARK, LIGHT, contrast
from fairihub_core.service_page import Brand, service_page

BRAND = Brand("Orchard", "#3fbf6a", "Our Notebooks", "/base/")


def shown(brand: Brand = BRAND, login: str | None = "ada", here: str = "/nowhere") -> str:
    return service_page(brand, "Runs", "<p>inside</p>", here, login)


def test_it_says_where_one_is_and_where_one_can_go() -> None:
    page = shown(here="/base/services/headless/")
    assert "<title>Runs · Orchard</title>" in page
    for address in ("hub/home", "services/catalog/", "services/headless/", "hub/logout"):
        assert f'href="/base/{address}"' in page
    assert re.findall(r'<a href="([^"]+)" aria-current=page>', page) == ["/base/services/headless/"]
    assert page.index("Skip to content") < page.index("<header") < page.index("<main")
    assert page.index("<main") < page.index("<p>inside</p>") < page.index("</main>")


def test_nobody_known_means_no_sign_out_and_no_script() -> None:
    assert "logout" not in shown(login=None)
    assert "<script" not in shown(login=None)


@pytest.mark.parametrize("evil", ["<script>x</script>", '" onclick="x', "' x='"])
def test_hostile_names_are_text(evil: str) -> None:
    page = service_page(Brand(evil, "#123", evil, "/"), evil, "", "", evil)
    assert evil not in page.replace(" aria-current=page", "")


def test_the_policy_allows_this_style_and_this_script_only() -> None:
    (style,) = re.findall("<style>(.*?)</style>", shown(), re.S)
    (script,) = re.findall('<script type="module">(.*?)</script>', shown(), re.S)
    assert shown().count("<script") == 1
    assert re.findall(r"\son\w+=|javascript:", shown().replace(script, "")) == []
    assert set(BRAND.policy.split("; ")) == {
        "default-src 'none'",
        f"style-src {_hash(style)}",
        f"script-src {_hash(script)}",
        "connect-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    }


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_the_script_asks_this_hub_and_has_words_for_every_reason() -> None:
    page = shown()
    assert 'data-url="/base/hub/api/fairihub/standing"' in page
    for code in (*get_args(Reason), "signed-out"):
        assert f'data-{code}="' in page


def test_the_colour_is_made_readable() -> None:
    light, dark = re.findall(r"--fh-accent:(#\w{6})", BRAND.css)[:2]
    assert min(contrast(light, ground) for ground in LIGHT) >= 4.5
    assert min(contrast(dark, ground) for ground in DARK) >= 4.5
    with pytest.raises(BadInput, match="is no colour"):
        shown(Brand("x", "red;}", "y", "/"))


def test_every_ink_of_the_style_is_readable() -> None:
    light, dark = BRAND.css.split("@media (prefers-color-scheme: dark)", 1)
    for css, grounds in ((light, LIGHT), (dark, DARK)):
        for ink in ("ink", "muted", "bad", "good"):
            found = re.search(rf"--fh-{ink}: (#\w{{6}})", css)
            assert found is not None
            assert min(contrast(found[1], ground) for ground in grounds) >= 4.5, ink


def test_a_logo_of_the_hubs_own_takes_the_place_of_the_mark() -> None:
    assert '<img class="fh-logo" src="/hub/logo" alt="">' in shown(
        Brand("x", "#123", "y", "/", has_logo=True)
    )
