"""Logins that are addresses of mail, as some providers give them: in the path of a request the `@`
may stand as it is, or as `%40`."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

from tests.support.waiting import eventually

from .scene import GRACE, TEAM

SPELLED = (quote(GRACE, safe=""), quote(GRACE, safe="@"), quote(GRACE, safe="@+"))


def test_a_start_its_progress_and_the_log_of_somebody_whose_login_has_an_at(scene):
    scene.kubelet.lets_run = lambda pod: False
    scene.ask_for(GRACE)
    assert eventually(lambda: scene.pods_of(GRACE))
    events: list[dict[str, Any]] = []
    showing = threading.Thread(target=lambda: events.extend(scene.hub.progress(GRACE)))
    showing.start()
    assert eventually(lambda: any("steps" in event for event in list(events)))
    for name in SPELLED:
        status, told = scene.hub.call("GET", f"/hub/api/fairihub/starts/{name}", login=GRACE)
        assert (status, told.get("state")) == (200, "starting"), (name, told)
    scene.kubelet.lets_run = lambda pod: True
    showing.join(30)
    assert events[-1]["ready"], events
    pod = scene.pod_of(GRACE)["metadata"]["name"]
    scene.kube.logs[TEAM, pod] = "hello\n"
    for name in SPELLED:
        path = f"/hub/api/fairihub/servers/{name}/log"
        assert scene.hub.call("GET", path, login=GRACE) == (
            200,
            {"lines": ["hello"], "whole": True},
        )
        assert scene.hub.call("GET", f"/user/{name}/api")[0] == 200, name
