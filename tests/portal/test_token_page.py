"""The tokens that the page lists: until when each is good."""

from __future__ import annotations

import re
from datetime import datetime
from types import SimpleNamespace

import pytest

from tests.portal.test_templates import rendered


@pytest.mark.parametrize(
    ("note", "expires", "language", "said"),
    [
        ("Server at /user/ada/", None, "en", "with the server"),
        ("Server at /user/ada/", None, "de", "mit dem Server"),
        ("Server at the lab", datetime(2026, 5, 1), "en", "2026-05-01 00:00 UTC"),
        ("of an operator's script", None, "en", "never"),
        (None, None, "en", "never"),
    ],
)
def test_until_when_a_token_is_good(note, expires, language, said):
    token = SimpleNamespace(
        api_id="a1", note=note, scopes=[], last_activity=None, created=None, expires_at=expires
    )
    page = rendered("token.html", api_tokens=[token], oauth_clients=[], language=language)
    row = page[page.index('data-token-id="a1"') :].partition("</tr>")[0]
    assert said in " ".join(re.sub("<[^>]*>", " ", row).split())
