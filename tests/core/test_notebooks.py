"""What a notebook says of itself, however odd it is."""

from __future__ import annotations

import json
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from fairihub_core.errors import BadInput, TooLarge, Unreadable
from fairihub_core.notebooks import MAX_CELLS, is_home_path, metadata_of, read_notebook, slug_of
from fairihub_core.parameters import parameters_of, validated_parameters

EMPTY = b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'


def with_parameters(source):
    return new_notebook(cells=[new_code_cell(source, metadata={"tags": ["parameters"]})])


def too_many(where):
    small = {"cell_type": "markdown", "source": "", "metadata": {}}
    error = {"output_type": "error", "ename": "", "evalue": "", "traceback": []}
    coded = {**small, "cell_type": "code", "execution_count": None, "outputs": [error] * MAX_CELLS}
    return {
        "cells": {"cells": [small] * (MAX_CELLS + 1)},
        "outputs": {"cells": [coded]},
        "worksheets": {"worksheets": [{"cells": [small] * MAX_CELLS}] * 2, "nbformat": 3},
    }[where]


@pytest.mark.parametrize("where", ["cells", "outputs", "worksheets"])
def test_too_many_cells_are_counted_before_they_are_checked(where):
    given = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, **too_many(where)}
    began = time.process_time()
    with pytest.raises(TooLarge) as caught:
        read_notebook(json.dumps(given))
    assert caught.value.code == "too-many-cells"
    assert time.process_time() - began < 0.5


def test_a_notebook_is_read():
    notebook = new_notebook(cells=[new_markdown_cell("# Hello")])
    assert read_notebook(nbformat.writes(notebook)).cells[0].source == "# Hello"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is not JSON"),
        (b"%PDF-1.7", "it is not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[1, 2]", "This is not a notebook"),
        (b'{"cells": []}', "nbformat"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a notebook"),
        (b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {"x": NaN}}', "NaN"),
        (
            b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {"x": "\\ud800"}}',
            "UTF-8",
        ),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"nbformat": 99, "cells": []}', "This is not a notebook"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_reason(content, words):
    with pytest.raises(Unreadable, match=words) as refusal:
        read_notebook(content)
    assert refusal.value.code == "no-notebook"


def test_an_integer_as_source_is_refused():
    broken = {"cells": [{"cell_type": "code", "source": 1}], "nbformat": 4, "nbformat_minor": 4}
    with pytest.raises(Unreadable):
        read_notebook(json.dumps({**broken, "metadata": {}}))


def test_50_megabytes_are_too_much():
    with pytest.raises(TooLarge, match=r"50\.0 MiB; 20 MiB is the most"):
        read_notebook(b" " * (50 * 2**20))


def test_metadata_from_properties():
    notebook = new_notebook(
        metadata={
            "properties": {
                "id": "EDC Start",
                "name": "Getting started",
                "description": "First\nsteps",
                "tags": ["intro", "intro", 3, None],
                "authors": [{"id": "a", "name": "Ada"}, {"id": "grace"}],
                "license": "MIT",
            },
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        }
    )
    found = metadata_of(notebook, "a/b.ipynb")
    assert found.slug == "edc-start"
    assert (found.title, found.description) == ("Getting started", "First steps")
    assert (found.tags, found.authors) == (("intro", "3"), ("Ada", "grace"))
    assert (found.kernel, found.language, found.license) == ("python3", "python", "MIT")


def test_metadata_from_the_first_words():
    notebook = new_notebook(cells=[new_markdown_cell("## Vegetation\n\n![x](y)\nHow green it is.")])
    found = metadata_of(notebook, "maps/NDVI_of_Vienna.ipynb")
    assert (found.title, found.description) == ("Vegetation", "How green it is.")
    assert found.slug == "maps-ndvi-of-vienna"
    assert metadata_of(new_notebook(), "NDVI_of_Vienna.ipynb").title == "NDVI of Vienna"


@pytest.mark.parametrize("odd", [3, None, [], "x", {"id": {}, "tags": 7, "authors": {"a": 1}}])
def test_odd_metadata_does_no_harm(odd):
    notebook = new_notebook()
    notebook.metadata.update({"properties": odd, "kernelspec": odd, "language_info": odd})
    assert metadata_of(notebook, "a.ipynb").slug == "a"


def test_slugs_and_paths():
    assert slug_of("../../Ärger & Co.ipynb") == "rger-co"
    assert slug_of("...") == "notebook"
    assert is_home_path("work/a.ipynb")
    assert not is_home_path("public.a")


def test_parameters_are_read_without_running_the_cell():
    notebook = with_parameters(
        "bbox = [11, 46, 12, 47]  # type: bbox  Where to look\n"
        "year: int = 2026  # Which year\n"
        "name: 'text' = 'x'\n"
        "when = datetime.now()\n"
        "ratio = 0.5\n"
        "raise SystemExit\n"
    )
    found = {p.name: (p.type, p.default, p.help) for p in parameters_of(notebook)}
    assert found == {
        "bbox": ("bbox", [11, 46, 12, 47], "Where to look"),
        "year": ("int", 2026, "Which year"),
        "name": ("text", "x", ""),
        "when": ("str", "datetime.now()", ""),
        "ratio": ("float", 0.5, ""),
    }


@pytest.mark.parametrize("source", ["x = (", "%matplotlib inline\nx=1", "\0", "(" * 5000])
def test_a_cell_that_is_no_python_declares_nothing(source):
    assert parameters_of(with_parameters(source)) == ()


def test_parameters_must_be_declared():
    declared = parameters_of(with_parameters("year = 2026"))
    assert validated_parameters({"year": 2020}, declared) == {"year": 2020}
    with pytest.raises(BadInput, match="It declares: year") as refusal:
        validated_parameters({"years": 1}, declared)
    assert refusal.value.code == "undeclared-parameter"


@pytest.mark.parametrize(
    ("declared", "right", "wrong"),
    [
        ("x = 0.5  # type: float", [1, 2.5], ["abc", True, None, [1.5], {}]),
        ("x: int = 1", [7, 7.0], [2.5, "7", False, None]),
        ("x: str = 'a'", ["b", ""], [1, None, ["b"]]),
        ("x: bool = True", [False], [0, "false"]),
        ("x: list[int] = []", [[1], []], [{}, "a", 1]),
        ("x = {}  # type: dict[str, int]", [{"a": 1}], [[], "a"]),
        ("x = None  # type: bbox", [[1, 2, 3, 4], {"bbox": [1, 2, 3, 4]}, None], [[1], "1,2,3,4"]),
        ("x: Optional[int] = 3", [None, 4], ["4"]),
        ("x: 'int | str | None' = 3", [None, 4, "4"], [[4]]),
        ("x: typing.Union[int, str] = 3", [4, "4"], [None]),
        ("x: datetime = 3", [4, "4", None], []),
        ("x = 3  # type: number of days", [4, "4"], []),
        ("x = 3", ["4", 0.5, None], []),
    ],
)
def test_values_are_of_the_declared_type(declared, right, wrong):
    known = parameters_of(with_parameters(declared))
    for value in right:
        assert validated_parameters({"x": value}, known) == {"x": value}
    for value in wrong:
        with pytest.raises(BadInput, match="“x” must be") as refusal:
            validated_parameters({"x": value}, known)
        assert refusal.value.code == "bad-parameter-value"


@pytest.mark.parametrize("name", ["x=1;import os;y", "a b", "", "class", "1x", "ａ", "x\n"])
def test_names_are_identifiers_because_papermill_writes_them_into_code(name):
    with pytest.raises(BadInput) as refusal:
        validated_parameters({name: 1}, parameters_of(with_parameters("year = 2026")))
    assert refusal.value.code == "bad-parameter-name"
