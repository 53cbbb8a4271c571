"""What a token may be limited to, for how long, and what is said of one that exists."""

import pytest

from fairihub_core import scopes
from fairihub_portal.token_rights import RIGHTS, lifetimes, scopes_in_words


@pytest.mark.parametrize(
    ("given", "said", "named"),
    [
        (["inherit"], ("Everything you may",), ()),
        (["custom:fairihub:run", "access:services!service=headless"], ("Start runs",), ()),
        (
            ["custom:fairihub:run", "custom:fairihub:read-runs"],
            ("Start runs", "Does not open the service for runs"),
            (),
        ),
        (
            ["custom:fairihub:curate", "custom:fairihub:run", "access:services!service=headless"],
            ("Curate notebooks", "Start runs", "Does not open the catalogue"),
            (),
        ),
        (
            ["custom:fairihub:run", "access:services"],
            ("Use the services of this hub", "Start runs"),
            (),
        ),
        (["self"], ("Everything with your account, and by new tokens everything you may",), ()),
        (["tokens!user"], ("Make and revoke your tokens, and by new ones everything you may",), ()),
        (["access:services!service=headless"], ("Use the service for runs",), ()),
        (["access:services", "admin:users"], ("Use the services of this hub",), ("admin:users",)),
        (
            ["access:servers!server=ada/", "access:servers!server=ada/two", "users:activity!user"],
            ("Open your servers", "Tell the hub that your server is in use"),
            (),
        ),
        (["<b>of-tomorrow"], (), ("<b>of-tomorrow",)),
        ([], (), ()),
    ],
)
def test_scopes_are_told_in_words_each_once_and_none_is_hidden(given, said, named):
    words = scopes_in_words(given)
    assert (words.said, words.named) == (said, named)


def test_every_scope_that_people_may_give_on_has_a_box():
    offered = {right.scopes[0] for right in RIGHTS}
    assert offered == {scopes.RUN, scopes.READ_RUNS, scopes.CONTRIBUTE, scopes.CURATE}


@pytest.mark.parametrize(
    ("most", "days"),
    [
        (30, (1, 7, 30)),
        (1, (1,)),
        (7, (1, 7)),
        (14, (1, 7, 14)),
        (365, (1, 7, 30, 90, 365)),
    ],
)
def test_no_lifetime_is_longer_than_the_settings_allow(most, days):
    assert lifetimes(most) == days
