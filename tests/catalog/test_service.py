"""The catalogue as a service of a real hub: who gets in, and what they get."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import re
import sys
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from tests.catalog.helpers import code, notebook, put, submission
from tests.catalog.running import running_hub
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with running_hub(tmp_path_factory.mktemp("catalog-hub")) as running:
        put(running.places.library("uc1") / "land/ndvi.ipynb", notebook("NDVI", tags=["s2"]))
        put(running.places.library("uc2") / "secret.ipynb", notebook("Of uc2"))
        put(running.places.library() / "start.ipynb", notebook("<b>Start</b>"))
        put(running.places.library() / "broken.ipynb", b"nothing")
        client = running.client("ada")
        assert eventually(lambda: client.get("notebooks").json()["total"] == 2), running.log()
        yield running


@pytest.fixture(scope="module")
def clients(hub):
    return {login: hub.client(login) for login in (None, "ada", "cura", "bob", "eve", "stranger")}


@pytest.fixture(scope="module")
def cid(clients):
    sent = clients["ada"].post("contributions", content=submission(notebook("Sent")))
    assert sent.status_code == 201, sent.text
    return sent.json()["cid"]


# Path, method, and the status for nobody, another team's admin, a member, a curator.
ROUTES = [
    ("me", "GET", 401, 200, 200, 200),
    ("notebooks", "GET", 401, 200, 200, 200),
    ("notebooks/uc1.land-ndvi", "GET", 401, 404, 200, 200),
    ("notebooks/uc1.land-ndvi/content", "GET", 401, 404, 200, 200),
    ("notebooks/uc1.land-ndvi/preview", "GET", 401, 404, 200, 200),
    ("notebooks/public.start", "GET", 401, 200, 200, 200),
    ("contributions?mine=1", "GET", 401, 200, 200, 200),
    ("contributions?team=uc1", "GET", 401, 403, 403, 200),
    ("contributions", "POST", 401, 400, 400, 400),
    ("contributions/{cid}", "GET", 401, 404, 200, 200),
    ("contributions/{cid}/preview", "GET", 401, 404, 200, 200),
    ("contributions/{cid}/publish", "POST", 401, 404, 403, None),
    ("contributions/{cid}/decline", "POST", 401, 404, 400, 400),
    ("contributions/{cid}/withdraw", "POST", 401, 404, None, 403),
    ("nothing", "GET", 401, 404, 404, 404),
    ("notebooks", "POST", 401, 405, 405, 405),
]


@pytest.mark.parametrize(("path", "method", "nobody", "other", "member", "curator"), ROUTES)
def test_every_route_as_everyone(clients, cid, path, method, nobody, other, member, curator):
    asked = {None: nobody, "bob": other, "ada": member, "cura": curator}
    for login, status in asked.items():
        if status is None:
            continue  # it would decide; other tests do
        answer = clients[login].request(method, path.format(cid=cid))
        if (path.endswith("decline"), login) == (True, "bob"):
            status = 400  # the reason is missing: said before it is looked for
        assert answer.status_code == status, (login, answer.text)
        if status >= 400:
            assert set(answer.json()) >= {"code", "message"}
    for login in ("eve", "stranger"):
        refused = clients[login].request(method, path.format(cid=cid))
        assert refused.status_code == 403, refused.text
        assert refused.json()["code"] == {"eve": "closed", "stranger": "no-team"}[login]


@pytest.mark.parametrize("scheme", ["token", "Bearer", "Token"])
def test_every_scheme_of_token(hub, scheme):
    me = hub.client("cura", scheme).get("me").json()
    assert me == {
        "login": "cura",
        "catalog_name": "Our Notebooks",
        "teams": [{"name": "uc1", "curator": True}],
        "hub": True,
    }


def test_a_token_without_the_scope(hub):
    token = hub.token("ada", scopes=["read:users!user"])
    headers = {"Authorization": f"token {token}"}
    answer = httpx.get(f"{hub.catalog}api/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "no-scope")


def test_search_content_and_etag(clients):
    page = clients["ada"].get("notebooks", params={"q": "ndv", "tag": ["s2", "land"]}).json()
    assert [n["id"] for n in page["notebooks"]] == ["uc1.land-ndvi"]
    assert {t["name"] for t in page["teams"]} == {"uc1"}
    first = clients["ada"].get("notebooks/uc1.land-ndvi/content")
    assert first.json()["cells"]
    version = first.headers["Notebook-Version"]  # it lies in a folder, which has no versions
    assert version == first.headers["ETag"].strip('"')
    asked = "notebooks/uc1.land-ndvi/content"
    assert clients["ada"].get(asked, params={"version": version}).content == first.content
    unknown = clients["ada"].get(asked, params={"version": "HEAD"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no-such-version")
    known = {"If-None-Match": first.headers["ETag"]}
    again = clients["ada"].get("notebooks/uc1.land-ndvi/content", headers=known)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "limit=100000", "offset=1e9"])
def test_bad_pages(clients, query):
    assert clients["ada"].get(f"notebooks?{query}").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "notebooks/..%2F..%2Fcatalog%2Fcookie_secret/content",
        "notebooks/uc1.%2e%2e%2fuc2/content",
        "notebooks/uc2.secret/content",
        "notebooks/uc1.%00/content",
        "contributions/../../hub/api",
        "notebooks/uc1.land-ndvi%22%20OR%201=1",
    ],
)
def test_odd_paths_find_nothing(clients, path):
    assert clients["ada"].get(path).status_code in (400, 404)


def test_previews_are_sandboxed(clients):
    headers = clients["ada"].get("notebooks/public.start/preview").headers
    policy = headers["Content-Security-Policy"]
    assert re.search(r"(^|;\s*)sandbox\s*(;|$)", policy)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_50_mb_notebook_has_a_clear_answer(clients):
    body = submission(notebook(cells=[code("x" * 50 * 2**20)]))
    answer = clients["ada"].post("contributions", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def crowded():
    """A submission of megabytes with 150,000 cells."""
    cell = {"cell_type": "markdown", "source": "", "metadata": {}}
    made = {"cells": [cell] * 150_000, "nbformat": 4, "nbformat_minor": 4, "metadata": {}}
    return submission(made)


def test_one_member_takes_nothing_from_the_others(clients):
    path = "notebooks/public.start/preview"
    assert clients["bob"].get(path).status_code == 200
    body = crowded()

    def timed(ask):
        began = time.monotonic()
        return ask(), time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(clients["ada"].post, "contributions", content=body) for _ in range(6)]
        time.sleep(0.2)
        other = submission(notebook("Of bob"), team="uc2")
        shared, took_shared = timed(lambda: clients["bob"].post("contributions", content=other))
        seen, took_seen = timed(lambda: clients["bob"].get(path))
        refused = [s.result() for s in sent]
    assert (shared.status_code, seen.status_code) == (201, 200)
    assert max(took_shared, took_seen) < 10
    assert {a.json()["code"] for a in refused} == {"too-many-cells", "one-at-a-time"}
    assert {a.status_code for a in refused} == {413, 429}
    again = clients["ada"].post("contributions", content=submission(notebook("After")))
    assert again.status_code == 201, again.text


def test_hanging_up_gives_the_turn_back(hub, clients):
    def code():
        return clients["ada"].post("contributions", content=b"{").json()["code"]

    headers = {**clients["ada"].headers, "Content-Length": "1000"}
    with contextlib.closing(HTTPConnection(urlsplit(hub.service_url).netloc)) as connection:
        connection.request("POST", "/services/catalog/api/contributions", b"{", headers)
        assert eventually(lambda: code() == "one-at-a-time"), "it has its turn"
    assert eventually(lambda: code() == "bad-request")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is looked up in /proc")
@pytest.mark.parametrize("path", ["x", "", "oauth_callback", "api/contributions", "api/me"])
def test_nobody_fills_the_memory_with_a_body(hub, path):
    piece = b"x" * 2**20
    before = hub.most_memory()
    answer = httpx.post(f"{hub.catalog}{path}", content=(piece for _ in range(100)), timeout=60)
    assert answer.status_code in (400, 401, 403, 405), answer.text
    assert hub.most_memory() - before < 30 * 2**20


@pytest.mark.parametrize("path", ["api/me", "api/contributions", "x", ""])
@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "PUT", "BREW"])
def test_a_method_that_is_not_known_costs_no_connection(hub, clients, path, method):
    headers = clients["ada"].headers
    address = f"/services/catalog/{path}"
    with contextlib.closing(HTTPConnection(urlsplit(hub.service_url).netloc)) as connection:
        connection.connect()
        socket = connection.sock
        connection.request(method, address, b"x" * 2**20, dict(headers))
        answer = connection.getresponse()
        assert answer.status in (404, 405)
        answer.read()
        assert answer.getheader("Connection") != "close"
        connection.request("GET", "/services/catalog/api/me", headers=dict(headers))
        assert connection.getresponse().status == 200
        assert connection.sock is socket, "the same connection goes on"


def test_two_curators_at_once(hub, clients):
    hub.team("uc1", "ada", curators=("cura",), admins=("carl",))
    carl = hub.client("carl")
    assert eventually(lambda: carl.get("me").status_code == 200)
    sent = clients["ada"].post("contributions", content=submission(notebook("Twice"))).json()
    path = f"contributions/{sent['cid']}/publish"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        tries = [pool.submit(c.post, path, json={}) for c in (clients["cura"], carl)]
    answers = sorted((t.result() for t in tries), key=lambda a: a.status_code)
    assert [a.status_code for a in answers] == [200, 409]
    assert answers[1].json()["code"] == "already-decided"
    found = answers[0].json()["notebook_id"]
    assert eventually(lambda: clients["ada"].get(f"notebooks/{found}").status_code == 200)
    assert clients["bob"].get(f"notebooks/{found}").status_code == 404


def test_declined_with_a_reason_that_its_author_reads(clients):
    sent = clients["ada"].post("contributions", content=submission(notebook())).json()
    path = f"contributions/{sent['cid']}/decline"
    assert clients["cura"].post(path, json={"reason": " "}).status_code == 400
    assert clients["cura"].post(path, json={"reason": "No data."}).status_code == 200
    mine = clients["ada"].get("contributions?mine=1").json()["contributions"]
    assert [c["reason"] for c in mine if c["cid"] == sent["cid"]] == ["No data."]
    assert clients["ada"].post(f"contributions/{sent['cid']}/withdraw").status_code == 409


def test_a_member_who_is_removed_is_out_at_once(hub):
    hub.team("uc3", "mia")
    mia = hub.client("mia")
    assert eventually(lambda: mia.get("me").status_code == 200)
    hub.team("uc3", "max")
    assert eventually(lambda: mia.get("me").status_code == 403, 5)


def test_the_page_in_a_browser(hub):
    browser = hub.browser("ada")
    page = browser.get("/services/catalog/")
    assert page.status_code == 200, page.text
    assert "Our Notebooks" in page.text
    assert "&lt;b&gt;Start" not in page.text.split("<h2>")[0]
    assert "<b>Start" not in page.text
    assert "/hub/user-redirect/lab?copy=uc1.land-ndvi" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    found = browser.get("/services/catalog/", params={"q": '"><script>alert(1)</script>'})
    assert "<script>" not in found.text
    assert "No notebook fits" in found.text
    preview = browser.get("/services/catalog/api/notebooks/uc1.land-ndvi/preview")
    assert "NDVI" in preview.text


def test_a_browser_of_nobody_is_sent_to_sign_in(hub):
    answer = httpx.get(hub.catalog)
    assert answer.status_code == 302
    assert "/hub/api/oauth2/authorize" in answer.headers["Location"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-XSRFToken": "wrong"}, 403),
        ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"good": "token"}, 400),
    ],
)
def test_a_forged_request_with_a_cookie_is_refused(hub, headers, status):
    browser = hub.browser("ada")
    browser.get("/services/catalog/")
    if "good" in headers:
        cookies = [c for c in browser.cookies.jar if c.name == "_xsrf"]
        headers = {"X-XSRFToken": max(cookies, key=lambda c: len(c.path)).value}
    answer = browser.post("/services/catalog/api/contributions", content=b"{}", headers=headers)
    assert answer.status_code == status, answer.text
    read = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"}
    assert browser.get("/services/catalog/api/me", headers=read).status_code == 403


def test_errors_are_of_one_kind_and_say_nothing_of_the_inside(clients):
    for path in ("notebooks/uc1.nothing", "nothing", "contributions/" + "0" * 32):
        body = clients["ada"].get(path).json()
        assert set(body) >= {"code", "message"}
        assert "Traceback" not in json.dumps(body)
        assert os.sep + "work" not in body["message"]


def test_in_a_users_server(hub, tmp_path):
    home = hub.folder / "server-of-ada"
    ada = hub.server("ada")
    said = ada.get("settings").json()
    assert said["catalog_name"] == "Our Notebooks"
    assert (said["hub"], said["team"], said["profile"]) == (True, "uc1", "uc1.small")
    assert said["hub_home"] == "/hub/home"
    assert ada.get("api/me").json()["login"] == "ada"
    listed = ada.get("api/notebooks", params={"tag": ["s2", "land"]}).json()
    assert [n["id"] for n in listed["notebooks"]] == ["uc1.land-ndvi"]
    preview = ada.get("api/notebooks/uc1.land-ndvi/preview")
    assert preview.headers["Content-Type"].startswith("text/html")
    assert "sandbox" in preview.headers["Content-Security-Policy"]
    assert ada.get("api/notebooks/uc2.secret").status_code == 404
    made = ada.post("copy", json={"id": "uc1.land-ndvi"})
    assert made.status_code == 201, made.text
    assert made.json()["kernel"]["name"] == "python3"
    assert (home / "land-ndvi.ipynb").is_file()
    again = ada.post("copy", json={"id": "uc1.land-ndvi", "path": None})
    assert (again.status_code, again.json()["suggestion"]) == (409, "land-ndvi-1.ipynb")
    assert ada.post("copy", json={"id": "uc2.secret"}).status_code == 404
    shared = ada.post("share", json={"path": "land-ndvi.ipynb", "team": "uc1", "title": "Mine"})
    assert shared.status_code == 201, shared.text
    assert shared.json()["author"] == "ada"
    assert ada.post("share", json={"path": "../x.ipynb", "team": "uc1"}).status_code == 400
    assert ada.post("share", json={"path": "land-ndvi.ipynb", "team": "uc2"}).status_code == 403
    withdrawn = ada.post(f"api/contributions/{shared.json()['cid']}/withdraw", json={})
    assert withdrawn.json()["state"] == "withdrawn"
    nobody = httpx.get(str(ada.base_url) + "api/me")
    assert nobody.status_code in (302, 403)


def test_no_secret_reaches_the_log(hub):
    log = (hub.folder / "hub.log").read_text(errors="replace")
    secret = (hub.places.catalog / "cookie_secret").read_bytes()
    assert len(secret) == 32
    assert hub.admin not in log
    assert "Traceback" not in log
