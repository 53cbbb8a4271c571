"""How the programs of the house write to their logs: what strangers send fills no line of it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from typing import Any

from fairihub_core.logins import printable

MAX_BYTES = 900
"""Of one message, so that a line with its beginning stays below a kilobyte."""
_MAX_PATH = 400
_REDIRECTS = (301, 302, 303, 307, 308)
_ROUTINE = re.compile(
    r"(200|304) GET [^\s?]*/hub/api/(user|fairihub/(standing|snapshot))(?![^\s?])"
)
_STALE = re.compile(r"User \S+ has stale auth info")
_SAID_AGAIN_SECONDS = 3600.0
_MAX_SAID = 1000
_WORD = re.compile(r"[^\s'\"<>]+")
_access = logging.getLogger("tornado.access")
_FORM = "[%(levelname)1.1s %(asctime)s %(name)s] %(message)s"


class BoundedFormatter(logging.Formatter):
    """Cuts a message that is too long and takes control characters out; a traceback stays whole."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        whole = printable(record.message, MAX_BYTES).encode("utf-8", "replace")
        record.message = whole[:MAX_BYTES].decode("utf-8", "ignore")
        return super().formatMessage(record)


class Bounded(logging.Filter):
    """Cuts what others log too long, puts it on one line, and drops nothing.

    The address of a request and the name of a profile are whatever a stranger wrote.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if len(said) > MAX_BYTES or not said.isprintable():
            record.msg, record.args = printable(said, MAX_BYTES), ()
        return True


class Queryless(logging.Filter):
    """Leaves out the query of every address: a token or a provider's code may stand there."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if "?" in said:
            record.msg, record.args = without_queries(said), ()
        return True


def without_queries(said: str) -> str:
    """Takes as long as the text is: a stranger wrote the address that stands in it."""
    return _WORD.sub(_without_query, said)


def _without_query(word: re.Match[str]) -> str:
    text = word[0]
    path = text.find("/")
    query = text.find("?", path) if path >= 0 else -1
    return f"{text[:query]}?…" if 0 <= query < len(text) - 1 else text


class Remarkable(logging.Filter):
    """Drops what each open page, and its server for it, asks every few seconds and is told."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _ROUTINE.match(record.getMessage()) is None


class Unrepeated(logging.Filter):
    """Drops what is said with each request of somebody who is out: once an hour is enough."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        said, now = record.getMessage(), time.monotonic()
        if not _STALE.match(said):
            return True
        if now < self._said.get(said, -_SAID_AGAIN_SECONDS) + _SAID_AGAIN_SECONDS:
            return False
        if len(self._said) >= _MAX_SAID:
            self._said.clear()
        self._said[said] = now
        return True


class Refusals(logging.Filter):
    """Puts a refusal, which is no defect, on one line: a link on another site asks for any number.

    Args:
        kind: how the framework tells a refusal; it has a `status_code`.
    """

    def __init__(self, kind: type[Exception]) -> None:
        super().__init__()
        self._kind = kind

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, self._kind) and getattr(error, "status_code", 500) < 500:
            record.msg, record.args = f"{record.getMessage()}: {error}", ()
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def log_request(handler: Any, routine: bool = False) -> None:
    """For tornado's `log_function`: one line, with no header and no query of the request.

    JupyterHub's own shows all headers of a request that failed, and most of the query of each.

    Args:
        routine: a success that nobody wants to read of.
    """
    request, status = handler.request, handler.get_status()
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    if status == 304 or (routine and status < 300):
        level = logging.DEBUG
    there = str(handler._headers.get("Location", "")) if status in _REDIRECTS else ""
    _access.log(
        level,
        "%d %s %s%s (%s@%s) %.2fms",
        status,
        printable(request.method, 20),
        printable(request.path, _MAX_PATH),
        f" -> {printable(without_queries(there), _MAX_PATH)}" if there else "",
        _name_of(handler),
        request.remote_ip,
        1000 * request.request_time(),
    )


def _name_of(handler: Any) -> str:
    """Who asks, as far as that is known already."""
    try:
        user = handler.current_user
    except Exception:  # whatever is wrong there, the request was answered
        return ""
    name = user.get("name") if isinstance(user, Mapping) else getattr(user, "name", user)
    return printable(str(name or ""), 80)


def log_to_stderr() -> None:
    """For a program of its own: everything from INFO on, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(BoundedFormatter(_FORM))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Says at each start which migrations there are.
    logging.getLogger("alembic").setLevel(logging.WARNING)
