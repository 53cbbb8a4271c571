"""The page that follows a start, what it says of one that fails, and the log of one's server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairihub_core.start_causes import CAUSES
from fairihub_core.starts import Start, diagnosed
from fairihub_portal.starts import Starts, told
from fairihub_portal.texts import start_words, words
from fairihub_spawner.kube.steps import progress_event, steps_of
from tests.portal.reading import TOO_FAINT
from tests.support.kube_objects import IMAGE, NOW, claim, event, nodes, pod, waiting

PULLING = event("Pulling", f'Pulling image "{IMAGE}"', at=12, warning=False)
FETCHING = steps_of(
    pod(state=waiting("ContainerCreating")), [PULLING], [claim()], NOW, sizes={IMAGE: 2**31}
)
QUEUED = diagnosed(
    "no-memory-free", NOW, final=False, queue=2, detail=nodes("3 Insufficient memory")
)
WAITING = steps_of(pod(node=None, unschedulable="x"), [], [], NOW, diagnosis=QUEUED)
NO_IMAGE = diagnosed(
    "image-missing", NOW, final=True, values={"image": "<b>x:1</b>"}, detail="<i>not found</i>"
)
LOST = steps_of(pod(state=waiting("ErrImagePull")), [PULLING], [claim()], NOW, diagnosis=NO_IMAGE)


@pytest.fixture
def cluster(hub: Any) -> Iterator[Callable[..., None]]:
    """Says what the cluster says of bob's start."""
    path = Path(hub.folder) / "start-bob.json"

    def says(steps: Any, diagnosis: Any = None, fail: bool = False) -> None:
        said = {
            "steps": [step.model_dump(mode="json") for step in steps],
            "diagnosis": diagnosis and diagnosis.model_dump(mode="json"),
            "fail": fail,
        }
        part = path.with_suffix(".part")
        part.write_text(json.dumps(said))
        part.replace(path)

    yield says
    path.unlink(missing_ok=True)


def start(hub: Any, page: Any) -> None:
    page.goto(f"{hub.url}hub/spawn")
    page.click("#start-server")
    page.wait_for_url("**/spawn-pending/**")


def step(page: Any, name: str) -> Any:
    return page.locator(f"#steps [data-step={name}]")


def test_a_start_is_followed_in_steps_and_its_failure_says_what_to_do(hub, signed_in, cluster):
    cluster(FETCHING)
    page = signed_in("bob")
    start(hub, page)
    page.wait_for_selector("#steps [data-step=image][data-state=running]")
    assert step(page, "scheduling").get_attribute("data-state") == "done"
    assert f"Fetching {IMAGE} (2 GiB)" in step(page, "image").inner_text()
    assert "in progress, 12 s" in step(page, "image").inner_text()
    assert step(page, "image").get_attribute("aria-current") == "step"
    assert f"Fetching {IMAGE}" in page.locator("#progress-message").inner_text()
    assert page.locator("#diagnosis").is_hidden()

    cluster(WAITING, QUEUED)
    page.wait_for_selector("#diagnosis.fh-warn[role=status]")
    assert "2 other servers wait, too." in page.locator("#failure").inner_text()
    assert CAUSES["no-memory-free"].remedy in page.locator("#remedy").inner_text()
    assert page.locator("[aria-current=step]").count() == 1
    page.click("#said summary")
    assert "Insufficient memory" in page.locator("#said-text").inner_text()

    cluster(LOST, NO_IMAGE, fail=True)
    page.wait_for_selector("#ways-on:visible")
    fails(page)
    assert page.locator("#stop-server-btn").is_hidden()
    page.reload()
    fails(page)
    page.goto(f"{hub.url}hub/home")
    assert "does not exist: <b>x:1</b>" in page.locator("#failure").inner_text()
    assert "The last start failed" in page.locator("#server").inner_text()


def fails(page: Any) -> None:
    """The page of a start that failed: by its script, and as the hub shows it afterwards."""
    assert page.locator("#diagnosis").get_attribute("role") == "alert"
    assert "image of this profile does not exist: <b>x:1</b>" in page.inner_text("#failure")
    assert "tell an admin of your team" in page.inner_text("#remedy")
    assert "An admin of your team can mend this." in page.inner_text("#who")
    assert page.inner_text("#code") == "image-missing"
    assert page.text_content("#said-text") == "<i>not found</i>"
    assert step(page, "image").get_attribute("data-state") == "failed"
    assert step(page, "volume").get_attribute("data-state") == "done"
    again = page.locator("#again")
    assert again.get_attribute("href").endswith("?opt-profile=urban-climate.small")
    assert page.inner_text("#retry") == "Choose a profile again"


def test_a_start_that_is_lost_is_called_so_while_it_is_cleared_away(hub, signed_in, cluster):
    cluster(FETCHING)
    page = signed_in("bob")
    start(hub, page)
    page.wait_for_selector("#steps:visible")
    cluster(LOST, NO_IMAGE)
    page.wait_for_selector("#progress-log :text('cleared away')", state="attached")
    assert page.inner_text("h1") == "Your server did not start"
    assert "does not exist" in page.inner_text("#failure")
    page.wait_for_selector("#said-text:text('<i>not found</i>')", state="attached")
    for part in ("progress-about", "stop-server-btn", "ways-on"):
        assert page.locator(f"#{part}").is_hidden(), part
    page.reload()
    page.wait_for_selector("#refresh")
    assert page.inner_text("h1") == "Your server did not start"
    assert "does not exist" in page.inner_text("#failure")
    page.goto(f"{hub.url}hub/home")
    assert page.get_attribute("#server", "data-state") == "stopping"
    assert "does not exist" in page.inner_text("#failure")
    page.goto(f"{hub.url}hub/spawn-pending/bob")
    cluster(LOST, NO_IMAGE, fail=True)
    page.wait_for_selector("#ways-on:visible")
    fails(page)


def test_a_start_that_goes_on_after_all_can_be_cancelled(hub, signed_in, cluster):
    cluster(FETCHING)
    page = signed_in("bob")
    told = [progress_event(LOST, NO_IMAGE), progress_event(FETCHING)]
    events = "".join(f"data: {json.dumps(event)}\n\n" for event in told)
    page.route("**/server/progress*", lambda route: route.fulfill(
        content_type="text/event-stream", body=events))  # fmt: skip
    start(hub, page)
    page.wait_for_selector("#progress-log :text('cleared away')", state="attached")
    page.wait_for_selector("h1:text('Starting your server')")
    assert page.locator("#diagnosis").is_hidden()
    page.click("#stop-server-btn")
    page.wait_for_url("**/hub/home")


def test_a_start_that_its_owner_cancelled_is_no_failure(hub, signed_in, cluster):
    cluster(FETCHING)
    page = signed_in("bob")
    start(hub, page)
    page.click("#stop-server-btn")
    page.wait_for_url("**/hub/home")
    assert page.inner_text("#cancelled") == "The last start was cancelled."
    assert page.locator("#failure").count() == 0


def test_a_start_that_fails_at_once_says_why_where_it_was_asked_for(hub, signed_in, cluster):
    cluster(LOST, NO_IMAGE, fail=True)
    page = signed_in("bob")
    page.goto(f"{hub.url}hub/spawn")
    page.click("#start-server")
    page.wait_for_selector("#spawn-error")
    assert "does not exist: <b>x:1</b>" in page.inner_text("#failure")
    assert page.inner_text("#code") == "image-missing"
    assert page.locator("#start-server").count() == 1, "and what to start instead"
    page.goto(f"{hub.url}hub/spawn")
    assert page.locator("#failure").count() == 0, "no failure of before"


def test_trying_again_starts_the_same_profile_at_once(hub, signed_in, cluster):
    cluster(FETCHING)
    page = signed_in("bob")
    start(hub, page)
    page.wait_for_selector("#steps:visible")
    cluster(LOST, NO_IMAGE, fail=True)
    page.wait_for_selector("#again:visible")
    cluster(FETCHING)
    page.click("#again")
    page.wait_for_selector("#steps [data-step=image][data-state=running]")
    page.click("#stop-server-btn")
    page.wait_for_url("**/hub/home")


def test_the_steps_are_reached_and_read_without_a_mouse(hub, signed_in, cluster):
    cluster(WAITING, QUEUED)
    page = signed_in("bob")
    start(hub, page)
    page.wait_for_selector("#diagnosis:visible")
    assert page.locator("#steps").get_attribute("aria-label") == "Steps of the start"
    assert page.locator("#steps li").count() == 5
    seen = []
    page.focus("#said summary")
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert seen[:3] == ["said-text", "SUMMARY", "stop-server-btn"]
    page.click("#stop-server-btn")
    page.wait_for_url("**/hub/home")


def test_a_start_is_followed_in_the_readers_language(hub, browser, cluster):
    cluster(FETCHING)
    context = browser.new_context(locale="de-AT")
    page = context.new_page()
    page.goto(hub.link("bob"))
    page.wait_for_url("**/hub/home")
    start(hub, page)
    page.wait_for_selector("#steps [data-step=image][data-state=running]")
    assert "Image laden" in step(page, "image").inner_text()
    assert "Lädt" in page.locator("#progress-message").inner_text()
    told = page.locator("#progress-log li").all_text_contents()
    assert told[:2] == ["Server angefordert", "Prüft, was der Server braucht"]
    cluster(WAITING, QUEUED)
    page.wait_for_selector("#failure:has-text('2 weitere Server warten')")
    cluster(LOST, NO_IMAGE, fail=True)
    page.wait_for_selector("#failure:has-text('gibt es nicht')")
    page.wait_for_selector("#ways-on:visible")
    by_script = page.inner_text("#diagnosis")
    page.reload()
    assert page.inner_text("#diagnosis") == by_script, "the hub says the same"
    assert "Admin Ihres Teams" in by_script
    context.close()


def test_a_local_server_has_no_steps_and_is_followed_as_before(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/spawn")
    page.check("input[value='biodiversity.bad']")
    with hub.starts_held():
        page.click("#start-server")
        page.wait_for_selector("#progress-log li", state="attached")
        assert page.locator("#steps").is_hidden()
    page.wait_for_selector("#retry:visible")
    assert page.inner_text("#failure") == "The bucket of this profile cannot be reached."
    assert page.locator("#steps").is_hidden()


def test_the_log_of_ones_server_is_read_refreshed_and_taken_along(hub, signed_in):
    page = signed_in("bob")
    page.goto(f"{hub.url}hub/log")
    page.wait_for_selector("#log-empty:has-text('not running')")
    assert page.locator("#log-download").is_disabled()

    page.goto(f"{hub.url}hub/spawn")
    page.click("#start-server")
    page.wait_for_url("**/user/bob/**")
    page.goto(f"{hub.url}hub/home")
    page.click("#server-log")
    page.wait_for_selector("#log-empty:has-text('Nothing yet')")
    lines = [f"line {n} <b>" for n in range(300)]
    (Path(hub.folder) / "log-bob").write_text("\n".join(lines))
    page.click("#log-refresh")
    page.wait_for_selector("#log-text:visible")
    assert page.text_content("#log-text") == "\n".join(lines[-200:])
    assert "The last 200 lines, read at" in page.inner_text("#log-status")
    page.select_option("#log-lines", "1000")
    page.wait_for_selector("#log-status:has-text('All 300 lines')")
    with page.expect_download() as taken:
        page.click("#log-download")
    assert taken.value.suggested_filename.startswith("server-bob-2")
    assert Path(taken.value.path()).read_text() == "\n".join(lines) + "\n"
    page.goto(f"{hub.url}hub/home")
    page.click("#stop")
    page.click("dialog[open] button[value=yes]")
    page.wait_for_selector("#server[data-state=stopped]")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_a_start_fit_a_narrow_screen_and_are_readable(
    hub, page, signed_in, cluster, scheme
):
    cluster(WAITING, QUEUED)
    signed_in("bob")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 800})
    start(hub, page)
    page.wait_for_selector("#diagnosis:visible")
    page.click("#said summary")
    readable(page)
    cluster(LOST, NO_IMAGE, fail=True)
    page.wait_for_selector("#ways-on:visible")
    readable(page)
    for path in ("spawn-pending/bob", "home", "log"):
        page.goto(f"{hub.url}hub/{path}")
        readable(page)


def readable(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, page.url
    assert page.evaluate(TOO_FAINT) == [], page.url


def test_the_table_says_it_in_the_readers_words_and_errors_in_their_own():
    moment = datetime(2026, 5, 1, tzinfo=timezone.utc)
    known = told(diagnosed("server-crashed", moment, final=True, values={"exit": "1"}))
    assert (
        known.message % dict(known.values)
        == diagnosed("server-crashed", moment, final=True, values={"exit": "1"}).message
    )
    away = [told(diagnosed("cluster-unreachable", moment, final=final)) for final in (False, True)]
    assert [a.message for a in away] == [
        CAUSES["cluster-unreachable"].words(final)[0] for final in (False, True)
    ]
    assert away[0].message != away[1].message
    own = told(NO_IMAGE.model_copy(update={"code": "not-in-the-table", "message": "50 % of it"}))
    assert (own.message, own.values) == ("50 % of it", {})


def test_an_error_that_tells_of_the_last_start_is_known_as_that():
    start = Start(server="", profile="u.small", began=NOW, state="failed", diagnosis=NO_IMAGE)
    spawner = SimpleNamespace(pending=None, ready=False, _spawn_future=None, last_start=start)
    user = SimpleNamespace(spawner=spawner)
    found = Starts().of_error(user, NO_IMAGE.said)
    assert found is not None
    assert found.diagnosis == told(NO_IMAGE)
    assert Starts().of_error(user, NO_IMAGE.message) is None
    assert Starts().of_error(None, NO_IMAGE.said) is None


def test_scripts_get_the_words_of_starts():
    assert set(json.loads(start_words("en"))) == {"who", "states"}
    german = json.loads(start_words("de"))
    assert german["states"]["waiting"] == "wartet"
    assert german["queue"][1] != german["queue"][0]
    assert all("%(num)s" in said for said in german["queue"])
    assert set(german["remedies"]) == set(CAUSES)
    assert "start-refused" not in german["causes"]
    assert german["lost"]["cluster-busy"] == [
        words("de").gettext(said) for said in CAUSES["cluster-busy"].lost
    ]
