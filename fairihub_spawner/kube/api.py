"""What an answer of the cluster's API means to the start of a server."""

from __future__ import annotations

import json
import re
from datetime import datetime

from kubernetes_asyncio.client import ApiException

from fairihub_core import clock
from fairihub_core.starts import Diagnosis, diagnosed
from fairihub_spawner.kube.last_words import cleaned

_RETRIED = frozenset({"cluster-busy", "cluster-unreachable", "namespace-new"})
"""What passes by itself, as a rule."""

# The first that fits; by status, and by the words of Kubernetes' own admission plugins.
_BY_WORDS: tuple[tuple[int, re.Pattern[str], str], ...] = (
    (
        403,
        re.compile(r"exceeded quota|insufficient quota|must specify (limits|requests)"),
        "quota-exceeded",
    ),
    (403, re.compile(r"violates PodSecurity|security ?context constraint", re.I), "pod-security"),
    (403, re.compile(r"because it is being terminated"), "namespace-ending"),
    (
        403,
        re.compile(r"error looking up service account|serviceaccount .* not found"),
        "namespace-new",
    ),
    (403, re.compile(r"(maximum|minimum) \S+ usage per|limit to request ratio"), "limit-range"),
    (
        403,
        re.compile(r"cannot (get|list|watch|create|update|patch|delete) resource"),
        "no-permission",
    ),
    (404, re.compile(r"namespaces? \"?(?P<namespace>[^\s\"]*)\"? not found"), "namespace-missing"),
    (404, re.compile(r"persistentvolumeclaims? .*not found"), "volume-missing"),
    (404, re.compile(r"secrets? .*not found"), "secret-missing"),
    (409, re.compile(r"already exists"), "object-in-the-way"),
    (409, re.compile(r"because it is being terminated"), "namespace-ending"),
)
_BY_STATUS = {
    0: "cluster-unreachable",
    400: "bad-manifest",
    401: "hub-not-known",
    403: "admission-refused",
    404: "bad-manifest",
    405: "bad-manifest",
    408: "cluster-unreachable",
    409: "cluster-busy",
    410: "cluster-busy",
    413: "bad-manifest",
    415: "bad-manifest",
    422: "bad-manifest",
    429: "cluster-busy",
    502: "cluster-unreachable",
    503: "cluster-unreachable",
    504: "cluster-unreachable",
}


def refusal_for(
    status: int, reason: str, body: str, doing: str, since: datetime | None = None
) -> Diagnosis:
    """What the API's refusal comes to for people.

    Args:
        status: of the answer; 0 if there was none.
        reason: the answer's `reason`, or the phrase beside the status.
        body: the answer's `message`, or all of its body.
        doing: what was asked for, such as `making the pod jupyter-ada`.
    """
    said = _message_of(body) or reason
    code, values = _code_of(status, reason, said)
    return diagnosed(
        code,
        since or clock.now(),
        final=code not in _RETRIED,
        detail=cleaned(f"{doing}: {said}" if said else doing),
        values=values,
    )


def trouble_with(problem: Exception | None, doing: str) -> Diagnosis:
    """What it means that `doing` has not come about so far; `problem` says why, where known."""
    if isinstance(problem, ApiException) and problem.status:
        body = problem.body or b""
        said = body.decode(errors="replace") if isinstance(body, bytes) else body
        return refusal_for(problem.status, problem.reason or "", said, doing)
    return unreachable(f"{doing}: {problem or 'no answer'}")


def unreachable(what: str, since: datetime | None = None) -> Diagnosis:
    """The API did not answer at all; `what` says how, in the words of the error."""
    return diagnosed("cluster-unreachable", since or clock.now(), final=False, detail=cleaned(what))


def _code_of(status: int, reason: str, said: str) -> tuple[str, dict[str, str]]:
    """The code, and what of the answer its words name."""
    if "denied the request" in said or "denied request" in said:
        return "admission-refused", {}
    for when, words, code in _BY_WORDS:
        found = words.search(said) if status == when else None
        if found:
            return code, {name: cleaned(value) for name, value in found.groupdict().items()}
    if reason == "AlreadyExists":
        return "object-in-the-way", {}
    return _BY_STATUS.get(status, "cluster-busy" if status >= 500 else "bad-manifest"), {}


def _message_of(body: str) -> str:
    """The `message` of a Status object, if the body is one."""
    try:
        told = json.loads(body)
    except ValueError:
        return body
    message = told.get("message") if isinstance(told, dict) else None
    return message if isinstance(message, str) else body
