"""A request that is sent twice with the same key is one run."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from dataclasses import dataclass
from typing import Any

from fairihub_core.errors import BadInput, Conflict, TooMany, shortened
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import PROCESS, Run
from fairihub_headless.store.runs import Store

LONGEST = 255
JOB_ID = "job_id"
"""How clients of older services name the job that is to be."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BEING_KEPT = 2.0
"""Seconds after which a run whose folder is there is in the store, or never will be."""


@dataclass(frozen=True)
class Key:
    """What a request is known again by, and what it asks for."""

    name: str
    fingerprint: str
    id: str | None = None
    """The id that the run is to have."""
    is_job_id: bool = False


def key_of(
    header: str | None, body: dict[str, Any], beside: bytes | None = None, *, process: str = PROCESS
) -> Key | None:
    """The key of a request: its header `Idempotency-Key`, or `job_id` in its body.

    Args:
        beside: what came with the body.
        process: the id of what is to be executed.

    Raises:
        BadInput: `bad-key`, `bad-job-id`.
    """
    job_id = body.get(JOB_ID)
    if header is None and job_id is None:
        return None
    asked = {k: v for k, v in body.items() if k != JOB_ID}
    plain = json.dumps([process, asked], sort_keys=True)
    said = hashlib.sha256(plain.encode("utf-8", "replace"))
    said.update(b"\0" + (beside or b""))
    if job_id is None:
        return Key(_header(header or ""), said.hexdigest())
    if header is not None:
        raise BadInput("bad-key", "Give the header `Idempotency-Key` or `job_id`, not both.")
    if not isinstance(job_id, str) or not _NAME.fullmatch(job_id):
        raise BadInput(
            "bad-job-id",
            "`job_id` must be a UUID, or a name of up to 64 letters, digits, “.”, “_” and “-”.",
        )
    return Key(job_id, said.hexdigest(), _uuid(job_id), is_job_id=True)


def _header(text: str) -> str:
    if not (0 < len(text) <= LONGEST and text.isascii() and text.isprintable()):
        raise BadInput(
            "bad-key", f"`Idempotency-Key` must have 1 to {LONGEST} printable ASCII characters."
        )
    return text


def _uuid(text: str) -> str | None:
    try:
        found = str(uuid.UUID(text))
    except ValueError:
        return None
    return found if found == text.lower() else None


def asked_before(store: Store, owner: str, key: Key | None) -> Run | None:
    """The run that its owner asked for with this key before. Blocks.

    Raises:
        Conflict: `key-reused`, `job-id-taken`.
    """
    if key is None:
        return None
    found = store.of_key(owner, key.name) or (store.get(key.id) if key.id else None)
    return None if found is None else _same(found, owner, key)


def kept_once(
    store: Store, folder: RunFolder, run: Run, content: bytes, key: Key | None,
    most: int,
) -> Run:  # fmt: skip
    """The run as it is kept, or the one that was quicker with the same key. Blocks.

    Args:
        most: so many runs of its owner may wait, with this one.

    Raises:
        TooMany: `too-many-runs`.
        Conflict: `key-reused`, `job-id-taken`.
        OSError: there is no room for it.
    """
    try:
        folder.keep_notebook(content)
    except FileExistsError:
        other = _soon(store, run.id)
        if other is not None and key is not None:
            return _same(other, run.owner, key)
        folder.keep_notebook(content, anew=True)  # a service ended before it kept the run
    try:
        kept = store.add(run, most)
    except TooMany:
        folder.remove()
        raise
    if kept.id != run.id:
        folder.remove()
    # The store finds it, and not another of the same name, when only its answer was lost.
    ours = (kept.id, kept.created) == (run.id, run.created)
    return kept if key is None or ours else _same(kept, run.owner, key)


def _soon(store: Store, run_id: str) -> Run | None:
    until = time.monotonic() + _BEING_KEPT
    while (found := store.get(run_id)) is None and time.monotonic() < until:
        time.sleep(0.05)
    return found


def _same(found: Run, owner: str, key: Key) -> Run:
    if found.owner == owner and found.fingerprint == key.fingerprint:
        return found.model_copy(update={"replayed": True})
    if key.is_job_id:
        raise Conflict("job-id-taken", f"There is another job “{shortened(key.name)}”; name a "
                       "new one, or leave `job_id` out.")  # fmt: skip
    raise Conflict(
        "key-reused",
        "This `Idempotency-Key` came with another request before; send a new key with a new one.",
        jobID=found.id,
    )
