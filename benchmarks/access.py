"""How fast team files decide who comes in, beside a plain list of users in the configuration.

`make bench-access`, or `python benchmarks/access.py`: 200 teams with 2,000 members in all. What
is measured is what a hub runs: `fairihub.entrance.followed`, with its threads and listeners.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from oauthenticator.github import GitHubOAuthenticator

from fairihub import datafolder
from fairihub.entrance import Entrance, followed
from fairihub.hub_settings import HubSettings, Ports
from fairihub.settings import Settings
from fairihub.team_file_settings import FolderTeams
from fairihub_auth import following, watch
from fairihub_core import clock
from fairihub_core.access import denial_of
from fairihub_core.offers import offers_for
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import TeamDirectory

MS = 1000.0
TEAM = """\
apiVersion: hub.eox.at/v1alpha1
kind: Customer
metadata: {{name: {name}}}
spec:
  k8s-namespace: {name}
  inventory:
  - {{expirationDate: "{expires}"}}
  activations:
  - data:
      profile_small: {{display_name: Small, mem_limit: 1Gi, cpu_limit: 1}}
      profile_large: {{display_name: Large, mem_limit: 8Gi, cpu_limit: 4, s3_bucket_name: b-{name}}}
  allowedLogins:
{members}
"""


NOTE = """
in force: decisions go by it, which is what the budgets of reloads mean.
all parts told: records, buckets and the audit log have it too; no request waits for that."""


@dataclass(frozen=True)
class Measure:
    """One line of the table; times in milliseconds."""

    what: str
    ours: float
    peer: float | None = None
    """The same of a plain GitHubOAuthenticator, or of a loop that nobody disturbs."""
    budget: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def kept(self) -> bool:
        return self.budget is None or self.ours <= self.budget


@dataclass(frozen=True)
class Reload:
    """Milliseconds from the word that files have changed."""

    in_force: float
    """Until decisions go by them."""
    told: float
    """Until records, buckets and the audit log have them too."""


class House:
    """Team files of a size, and what a hub makes of them."""

    def __init__(self, folder: Path, teams: int, members: int) -> None:
        self.teams, self.members = teams, members
        self.folder = folder / "teams"
        self.folder.mkdir()
        self.years = iter(range(2100, 9000))
        self.write_all()
        places = datafolder.opened(folder / "data")
        hub = HubSettings(
            settings=Settings(),
            sources=(FolderTeams(folder=self.folder),),
            data=places.data,
            ports=Ports(public=1, hub=2, proxy_api=3, catalog=4, headless=5, s3=6),
            proxy_command=("none",),
        )
        self.entrance: Entrance = followed(hub)
        self._done = threading.Event()
        self._in_force = 0.0
        # Before all others, when decisions go by the new snapshot already, and after them.
        self.entrance.publication._listeners.insert(0, lambda before, after: self._note())
        self.entrance.publication.subscribe(lambda before, after: self._done.set())

    def logins(self) -> list[str]:
        return [f"m{t}-{m}" for t in range(self.teams) for m in range(self.members)]

    def write(self, team: int, year: int) -> None:
        members = (f"m{team}-{m}" for m in range(self.members))
        entries = "\n".join(f"  - {{userName: {m}, email: {m}@example.org}}" for m in members)
        text = TEAM.format(name=f"team-{team}", expires=f"{year}-12-31", members=entries)
        path = self.folder / f"team-{team:04}.part"
        path.write_text(text)
        path.replace(path.with_suffix(".yaml"))

    def write_all(self) -> None:
        year = next(self.years)
        for team in range(self.teams):
            self.write(team, year)

    def _note(self) -> None:
        self._in_force = time.perf_counter()

    def reload(self) -> Reload:
        """Says that files have changed, and waits until all have heard what is new."""
        self._done.clear()
        started = time.perf_counter()
        self.entrance.watch.poke()
        if not self._done.wait(60):
            raise SystemExit("the hub has not noticed that its team files changed")
        return Reload((self._in_force - started) * MS, (time.perf_counter() - started) * MS)

    def directory(self) -> TeamDirectory:
        return self.entrance.directory()


async def stalls(work: Callable[[], Any]) -> tuple[float, Any]:
    """The longest time that a loop did not get on while `work` ran in a thread, and its result."""
    worst, going = 0.0, True

    async def beat() -> None:
        nonlocal worst
        last = time.perf_counter()
        while going:
            await asyncio.sleep(0)
            now = time.perf_counter()
            worst, last = max(worst, now - last), now

    beating = asyncio.create_task(beat())
    result = await asyncio.to_thread(work)
    going = False
    await beating
    return worst * MS, result


def reloads(house: House, change: Callable[[], None], repeat: int) -> list[Reload]:
    """The reloads of a hub that does nothing else."""
    done = []
    for _ in range(repeat):
        change()
        done.append(house.reload())
    return done


def held_up(house: House, change: Callable[[], None], repeat: int) -> tuple[float, float]:
    """The longest stall of a loop while it reloads, and of one with nothing to disturb it.

    Each the quietest of `repeat`; the bare loop beats as long as the reload took.
    """
    held, bare = [], []
    for _ in range(repeat):
        change()
        worst, reload = asyncio.run(stalls(house.reload))
        held.append(worst)
        bare.append(asyncio.run(stalls(lambda s=reload.told / MS: time.sleep(s)))[0])
    return min(held), min(bare)


def decisions(house: House) -> tuple[list[float], list[float]]:
    """Milliseconds of each decision on every member: ours, and the peer's from its list."""
    today, directory, logins = clock.today(), house.directory(), house.logins()
    peer = GitHubOAuthenticator(allowed_users=set(logins), client_id="x", client_secret="x")  # noqa: S106
    ours = [timed(lambda n=n: _decided(n, directory, today)) for n in (*logins, *logins)]
    theirs = [timed(lambda n=n: _allowed(peer, n)) for n in (*logins, *logins)]
    return ours, theirs


def _decided(login: str, directory: TeamDirectory, today: Any) -> None:
    if denial_of(login, directory, today) is not None or not offers_for(login, directory, today):
        raise SystemExit(f"{login} is not let in")


def _allowed(peer: GitHubOAuthenticator, login: str) -> None:
    model = {"name": login, "admin": False, "auth_state": {}}
    try:
        peer.check_allowed(login, model).send(None)
    except StopIteration as answer:
        if not answer.value:
            raise SystemExit(f"the peer does not let {login} in") from None


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * MS


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measured(house: House, repeat: int) -> list[Measure]:
    def change_one() -> None:
        house.write(0, next(house.years))

    full, one = reloads(house, house.write_all, repeat), reloads(house, change_one, repeat)
    full_held = held_up(house, house.write_all, repeat)
    one_held = held_up(house, change_one, repeat)
    first = timed(lambda: _decided("m0-0", house.directory(), clock.today()))
    ours, theirs = decisions(house)
    snapshot = house.entrance.snapshot()
    text = snapshot.model_dump_json()
    told = min(timed(snapshot.model_dump_json) for _ in range(repeat))
    taking = (stalls(lambda: Snapshot.model_validate_json(text)) for _ in range(repeat))
    taken = statistics.median(asyncio.run(one)[0] for one in taking)
    return [
        Measure("full reload, in force", min(r.in_force for r in full), budget=1000),
        Measure("full reload, all parts told", min(r.told for r in full), budget=1000),
        Measure("one changed file, in force", min(r.in_force for r in one), budget=50),
        Measure("one changed file, all parts told", min(r.told for r in one)),
        Measure("decision, median", statistics.median(ours), statistics.median(theirs)),
        Measure("decision, p99", percentile(ours, 0.99), percentile(theirs, 0.99), 5),
        Measure("first decision after a reload", first, budget=5),
        Measure("loop held up, full reload", *full_held, 50),
        Measure("loop held up, one changed file", *one_held, 50),
        Measure("loop held up, snapshot told by the hub", told, budget=50),
        Measure("loop held up, snapshot taken by a service", taken, budget=50),
    ]


def table(measures: list[Measure]) -> str:
    lines = [f"{'':44}{'fairihub':>11}{'peer':>11}{'ratio':>8}{'budget':>9}"]
    for m in measures:
        peer = f"{m.peer:.4f}" if m.peer is not None else "-"
        ratio = f"{m.ratio:.1f}" if m.ratio is not None else "-"
        budget = f"{m.budget:g}" if m.budget is not None else "-"
        mark = "" if m.kept else "  over"
        lines.append(f"{m.what:44}{m.ours:>11.4f}{peer:>11}{ratio:>8}{budget:>9}{mark}")
    return "\n".join(lines)


def main() -> int:
    """Prints the table, or JSON; 1 if a budget was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=200)
    parser.add_argument("--members", type=int, default=10, help="of each team")
    parser.add_argument("--repeat", type=int, default=7, help="reloads; the quietest counts")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.getLogger("fairihub").setLevel(logging.CRITICAL)
    # Only a poke wakes the watch, and it does not wait for editors to finish: that is no work.
    watch.POLL_SECONDS, following.SETTLE_SECONDS = 3600.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), options.teams, options.members)
        measures = measured(house, options.repeat)
        house.entrance.watch.stop()
        house.entrance.recorder.close()
    if options.json:
        print(json.dumps([{**asdict(m), "ratio": m.ratio, "kept": m.kept} for m in measures]))
    else:
        count = options.teams * options.members
        print(f"{options.teams} teams, {count:,} members, in milliseconds\n")
        print(table(measures))
        print(NOTE)
    return 0 if all(m.kept for m in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
