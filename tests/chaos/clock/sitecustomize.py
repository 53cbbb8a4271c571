"""A clock for one process that a test can set: wall clocks go by a file, monotonic ones do not."""

import datetime as _datetime
import os
import time

_file = os.environ.get("CHAOS_CLOCK", "")
_time = time.time


def _offset():
    try:
        with open(_file) as file:
            return float(file.read() or 0)
    except (OSError, ValueError):
        return 0.0


class datetime(_datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + _datetime.timedelta(seconds=_offset())


if _file:
    time.time = lambda: _time() + _offset()
    import fairihub_core.clock

    fairihub_core.clock.datetime = datetime
