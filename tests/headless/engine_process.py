"""An engine of its own, as a second service has one: `python -m tests.headless.engine_process`.

Takes a JSON object: the settings, and the address of the database.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys

from fairihub_core.lean import skip_slow_imports

skip_slow_imports()

from fairihub_core.teams import Member, Profile, Team, TeamDirectory  # noqa: E402
from fairihub_headless.engine.local import LocalEngine  # noqa: E402
from fairihub_headless.settings import HeadlessSettings  # noqa: E402
from fairihub_headless.store.runs import Store  # noqa: E402

DIRECTORY = TeamDirectory(
    teams=(
        Team(
            name="uc1",
            namespace="uc1",
            members=(Member(login="ada"),),
            profiles=(Profile(slug="tiny", display_name="Tiny", mem_limit=400 * 2**20),),
        ),
    )
)


async def main(told: str) -> None:
    """Executes runs until it is told to stop."""
    settings = HeadlessSettings.model_validate(json.loads(told))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store = Store(str(settings.database))
    engine = LocalEngine(store, settings, lambda: DIRECTORY)
    await engine.start()
    print(engine._keeper.me.id, flush=True)
    await stop.wait()
    await engine.stop()
    store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
