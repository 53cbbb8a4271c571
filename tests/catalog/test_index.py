"""The index finds what the caller may see, whatever they type."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairihub_catalog.index import Change, Index, Query, Seen, match_expression
from fairihub_catalog.models import Facts, Kernel

SEEN = Seen(1_700_000_000 * 10**9, 10, 1)


def change(path: str, team: str = "uc1", slug: str = "", **said: object) -> Change:
    name = path.removesuffix(".ipynb")
    facts = Facts.model_validate(
        {
            "slug": slug or name,
            "title": name,
            "version": "v",
            "size": 10,
            "kernel": Kernel(),
            **said,
        }
    )
    return Change(team, "library", path, SEEN, facts, None)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    made = Index(tmp_path / "index.sqlite")
    changes = [
        change("ndvi.ipynb", title="NDVI of meadows", tags=("vegetation", "s2"), authors=("Ada",)),
        change("snow.ipynb", title="Snow cover", tags=("s2",), text="meadows under snow"),
        change("city.ipynb", title="Überhitzte Städte", description="urban heat"),
    ]
    made.apply("library/uc1", changes, [])
    made.apply("library/uc2", [change("secret.ipynb", "uc2", title="Meadows of uc2")], [])
    made.apply("library/public", [change("start.ipynb", "public", title="First steps")], [])
    return made


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, ["public.start", "uc1.ndvi", "uc1.snow", "uc1.city"]),
        ({"text": "mea"}, ["uc1.ndvi", "uc1.snow"]),
        ({"text": "NDVI mead"}, ["uc1.ndvi"]),
        ({"text": "uberhitzte stadte"}, ["uc1.city"]),
        ({"text": "ada"}, ["uc1.ndvi"]),
        ({"text": "heat"}, ["uc1.city"]),
        ({"tags": ("s2",)}, ["uc1.ndvi", "uc1.snow"]),
        ({"tags": ("s2", "vegetation")}, ["uc1.ndvi"]),
        ({"team": "public"}, ["public.start"]),
        ({"team": "uc2"}, []),
        ({"team": "uc2' OR 1=1 --"}, []),
        ({"text": "meadows", "team": "uc2"}, []),
        ({"limit": 1, "offset": 1}, ["uc1.ndvi"]),
        ({"text": '" OR title:* NEAR('}, []),
        ({"text": '"*'}, []),
        ({"text": "snow NOT cover"}, []),
        ({"text": "{title}:snow"}, []),
        ({"text": "snow*"}, ["uc1.snow"]),
        ({"text": "snow\0'); DROP TABLE words;--"}, []),
        ({"text": "a" * 100_000}, []),
        ({"text": "\ud800"}, []),
    ],
)
def test_search(index, query, ids):
    page = index.search(Query(visible=("uc1", "public"), **query))
    assert [n.id for n in page.notebooks] == ids


def test_counts_are_of_all_that_was_found_not_of_the_page(index):
    page = index.search(Query(visible=("uc1", "public"), limit=1))
    assert page.total == 4
    assert {t.name: t.count for t in page.tags} == {"s2": 2, "vegetation": 1}
    assert {t.name: t.count for t in page.teams} == {"public": 1, "uc1": 3}


@pytest.mark.parametrize(
    ("identifier", "visible", "found"),
    [
        ("uc1.ndvi", ("uc1", "public"), True),
        ("uc2.secret", ("uc1", "public"), False),
        ("uc2.secret", ("uc2",), True),
        ("uc1.nothing", ("uc1",), False),
        ("", ("uc1",), False),
        ("uc1", ("uc1",), False),
    ],
)
def test_find_only_what_is_visible(index, identifier, visible, found):
    assert (index.find(identifier, visible) is not None) is found


def test_two_notebooks_never_share_an_id(index):
    index.apply("published/uc1", [change("other.ipynb", slug="ndvi", title="Other")], [])
    titles = {n.id: n.title for n in index.search(Query(visible=("uc1",))).notebooks}
    (other,) = (i for i, title in titles.items() if title == "Other")
    assert titles["uc1.ndvi"] == "NDVI of meadows"
    assert other.startswith("uc1.ndvi-")
    ((_, path, finding),) = index.findings()
    assert (path, finding.code, finding.understood) == ("other.ipynb", "duplicate-id", other)


def test_what_is_gone_is_found_no_more(index):
    index.apply("library/uc1", [], ["snow.ipynb"])
    assert index.find("uc1.snow", ("uc1",)) is None
    assert index.search(Query(visible=("uc1",), text="snow")).total == 0
    index.forget_sources_but(["library/uc2"])
    assert index.search(Query(visible=("uc1", "uc2", "public"))).total == 1


def test_a_damaged_index_is_made_again(tmp_path):
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"no database at all " * 500)
    index = Index(path)
    index.apply("library/uc1", [change("a.ipynb")], [])
    assert Index(path).find("uc1.a", ("uc1",)) is not None


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("", ""),
        ("  ", ""),
        ("snow co", '"snow"* "co"*'),
        ('a"b', '"a"* "b"*'),
        ("x_y", '"x"* "y"*'),
    ],
)
def test_match_expression(text, expression):
    assert match_expression(text) == expression
