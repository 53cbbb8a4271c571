"""What a failed test on Kubernetes leaves to be read: events, descriptions, last lines of logs."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator

from tests.support.kubernetes import Namespace

LINES = 40
DESCRIBED = "pods,persistentvolumeclaims,resourcequotas,services"
# An environment variable or a field with such a name is hidden whatever it holds.
SECRET_NAME = re.compile(
    r"(?im)^(\s*[\w.-]*(?:token|secret|password|passwd|credential|_key)[\w.-]*\s*[:=]\s*)(?!<)\S.*$"
)
HIDDEN = "(hidden)"
SHORTEST = 4  # of a secret that is looked for in texts: less would hide half of the page


def what_happened(namespace: Namespace) -> Iterator[tuple[str, str]]:
    """Titles and texts, none of which contains a secret of the namespace."""
    try:
        secrets = list(_values_of_secrets(namespace))
    except (AssertionError, subprocess.TimeoutExpired) as problem:
        yield f"nothing is known of {namespace.name}", str(problem)
        return
    for title, text in _texts(namespace):
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        yield f"{title} in {namespace.name}", SECRET_NAME.sub(rf"\1{HIDDEN}", text)


def _texts(namespace: Namespace) -> Iterator[tuple[str, str]]:
    yield "events", _shown(namespace, "get", "events", "--sort-by=.metadata.creationTimestamp")
    yield "objects", _shown(namespace, "get", f"all,{DESCRIBED}", "--output=wide")
    yield "descriptions", _shown(namespace, "describe", DESCRIBED)
    for name in _shown(namespace, "get", "pods", "--output=name").split():
        for which in ("--previous=false", "--previous"):
            log = _shown(namespace, "logs", name, "--all-containers", f"--tail={LINES}", which)
            if log.strip() and not log.startswith("Error from server"):
                yield f"last lines of {name}{' before' if which == '--previous' else ''}", log


def _shown(namespace: Namespace, *arguments: str) -> str:
    """A report must not fail: what goes wrong is a part of it."""
    try:
        return namespace.kubectl(*arguments, seconds=20)
    except (AssertionError, subprocess.TimeoutExpired) as problem:
        return str(problem) if arguments[0] != "logs" else ""


def _values_of_secrets(namespace: Namespace) -> Iterator[str]:
    for secret in namespace.every("secrets"):
        for encoded in (secret.get("data") or {}).values():
            value = base64.b64decode(encoded).decode(errors="replace").strip()
            yield from (part for part in (encoded, value) if len(part) >= SHORTEST)
