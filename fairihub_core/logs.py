"""How the programs of the house write to their logs: what strangers send fills no line of it."""

from __future__ import annotations

import logging
import re

from fairihub_core.logins import printable

MAX_BYTES = 900
"""Of one message, so that a line with its beginning stays below a kilobyte."""
_ROUTINE = re.compile(r"(200|304) GET [^\s?]*/api/fairihub/(standing|snapshot)\b")
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


class Remarkable(logging.Filter):
    """Drops what each open page asks every few seconds and is told as always."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _ROUTINE.match(record.getMessage()) is None


def log_to_stderr() -> None:
    """For a program of its own: everything from INFO on, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(BoundedFormatter(_FORM))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Says at each start which migrations there are.
    logging.getLogger("alembic").setLevel(logging.WARNING)
