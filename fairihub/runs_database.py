"""The database of runs: it is tried before the hub starts, since its service cannot without."""

from __future__ import annotations

import os
from collections.abc import Mapping

from fairihub.settings import Settings
from fairihub_core.errors import Unavailable, shortened
from fairihub_headless.settings import PASSWORD, with_password


def require_runs_database(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Whether the database that the settings name lets the hub in; a file of its own needs no look.

    Raises:
        Unavailable: `no-runs-database`, with what the database or the way to it says.
    """
    if settings.runs.database is None:
        return
    # SQLAlchemy takes its time to import: only where it is used.
    from sqlalchemy.exc import SQLAlchemyError

    from fairihub_headless.store.database import make_engine

    engine = make_engine(with_password(settings.runs.database, environment.get(PASSWORD, "")))
    try:
        engine.connect().close()
    except SQLAlchemyError as problem:
        said = shortened(" ".join(str(getattr(problem, "orig", problem)).split()), 300)
        raise Unavailable(
            "no-runs-database",
            f"`runs: database` cannot be used: “{said}”. Its password is expected in {PASSWORD}.",
        ) from None
    finally:
        engine.dispose()
