from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from fairihub_core.cluster_names import OUR_SECRETS
from fairihub_spawner.kube import names

from .conftest import LABEL_VALUE, check_labels, is_name, offer

ODD = [
    *(
        "ada",
        "Ada",
        "ADA",
        "ａｄａ",
        "\u212aate",
        "kate",
        "Kate",
        "ad\u0430",
        "\u0430da",
        "İstanbul",
    ),
    *("", "-", "--", "a--b", "a-b", "a_b", "a.b", "a@b", "ada-", "-ada", "ada--", ".", "..", "x"),
    *("0", "007", "1e5", "0x10", "9lives", "a" * 63, "a" * 64, "a" * 253, "a" * 10_000, "é" * 300),
    *("ada lovelace", "ada\n", "ada\0", "{username}", "{{", "}", "$(PATH)", "../../x", "\ud800"),
    *("ada/uc4", "ada+uc4", "日本語", "🦉", "ß", "ss", "jupyter-ada", "home-ada", "\u202eada"),
]


def logins(count: int) -> list[str]:
    """Many logins, half of them of letters that are apt to be mixed up."""
    chance = random.Random(5)  # noqa: S311 - the same ones in every run
    alike = "aAbB01-_.@+ aäé\u212a\u0430ａ"
    found = dict.fromkeys(ODD)
    while len(found) < count:
        length = chance.choice((1, 2, 3, 8, 20, 39, 63, 64, 100))
        wild = chance.random() < 0.5
        letters = (
            chr(chance.randrange(0xD7FF)) if wild else chance.choice(alike) for _ in range(length)
        )
        found["".join(letters)] = None
    return list(found)


MANY = logins(10_000)
KINDS: list[Callable[[str], str]] = [
    lambda login: names.pod_name(login, "uc4"),
    lambda login: names.pod_name("ada", login),
    lambda login: names.home_claim(login, "uc4"),
    lambda login: names.home_claim("ada", login),
    lambda login: names.shared_claim(login),
    lambda login: names.server_secret(login, "uc4"),
]


@pytest.mark.parametrize("named", KINDS)
def test_every_login_has_a_name_of_its_own_that_kubernetes_takes(
    named: Callable[[str], str],
) -> None:
    made = [named(login) for login in MANY]
    assert [name for name in made if not is_name(name)] == []
    # Services want a letter in front.
    assert all(name[0].isalpha() for name in made)
    assert len(set(made)) == len(MANY)


def test_no_two_kinds_of_object_share_a_name() -> None:
    made = [named(login) for named in KINDS for login in ODD]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ada", "b-uc4"), ("ada-b", "uc4")),
        (("ad", "auc4"), ("ada", "uc4")),
        (('a", "b', "c"), ("a", 'b", "c')),
    ],
)
def test_parts_that_only_together_read_alike(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert names.pod_name(*one) != names.pod_name(*other)


def test_logins_alike_in_all_that_can_be_read_differ_in_eighty_bits() -> None:
    prefix = "x" * 60
    made = [names.home_claim(f"{prefix}{n}", "uc4") for n in range(5000)]
    assert {name.rpartition("-")[0] for name in made} == {"home-" + "x" * 20}
    tails = {name.rpartition("-")[2] for name in made}
    assert len(tails) == 5000
    assert all(re.fullmatch(r"[a-z2-7]{16}", tail) for tail in tails)


def test_a_login_chosen_to_look_like_the_name_of_another() -> None:
    assert names.pod_name(names.pod_name("ada", "uc4"), "uc4") != names.pod_name("ada", "uc4")
    assert names.label_value(names.label_value("ada@x")) != names.label_value("ada@x")


def test_names_stay_as_they_are_since_homes_are_found_by_them() -> None:
    assert names.home_claim("ada", "uc4") == "home-ada-lfjpapd6h2beszw6"
    assert names.pod_name("Ada Ω", "uc4") == "jupyter-ada-y3ays7xl6nobuhc2"
    assert names.server_secret("ada", "uc4").startswith(OUR_SECRETS)


def test_what_only_looks_like_ascii_is_not_read_as_it() -> None:
    assert names.pod_name("\u212aate", "uc4").startswith("jupyter-ate-")


def test_label_values_are_valid_and_tell_logins_apart() -> None:
    made = [names.label_value(login) for login in MANY]
    assert [v for v in made if len(v) > 63 or not LABEL_VALUE.fullmatch(v)] == []
    assert len(set(made)) == len(MANY)


@pytest.mark.parametrize("login", ["ada", "ada.l_x-1", "a" * 63])
def test_a_login_that_can_be_a_label_is_one(login: str) -> None:
    assert names.label_value(login) == login


def test_labels_and_annotations() -> None:
    large = offer("uc4", "large", node_purpose="useruc4")
    labels = names.labels_of("ada@example.org", large, "hub-1")
    check_labels(labels)
    assert labels == {
        "fairihub.io/hub": "hub-1",
        "fairihub.io/team": "uc4",
        "fairihub.io/profile": "large",
        "fairihub.io/node-purpose": "useruc4",
        "fairihub.io/login": names.label_value("ada@example.org"),
        "hub.jupyter.org/username": names.label_value("ada@example.org"),
    }
    assert names.annotations_of("ada@example.org", large) == {
        "fairihub.io/login": "ada@example.org",
        "fairihub.io/team": "uc4",
        "fairihub.io/profile": "uc4.large",
    }
