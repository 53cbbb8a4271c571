"""`fairihub up`: a whole hub on this machine, from the first check to the last process."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.parse
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from fairihub import clusters, datafolder, processes
from fairihub.examples import EXAMPLE_NOTEBOOKS, EXAMPLE_TEAMS
from fairihub.first_links import first_links, operators_of, teams_read, told_of
from fairihub.hub_settings import VARIABLE, HubSettings, team_state_of
from fairihub.node import proxy_command
from fairihub.ports import choose_ports
from fairihub.runs_database import require_runs_database
from fairihub.settings import Settings, read_settings
from fairihub.sign_in import chosen_sign_in
from fairihub.team_file_settings import FolderTeams, TeamFiles, counts_within, named
from fairihub.team_files import beginning_of, kept_state
from fairihub_core.errors import Unavailable
from fairihub_core.files import write_whole
from fairihub_core.places import Places
from fairihub_core.processes import adopt_orphans
from fairihub_core.teams import TeamDirectory

_READY_SECONDS = 120
_STOP_SECONDS = 20


@dataclass(frozen=True)
class UpOptions:
    """What the command line was given."""

    teams: Path | None = None
    data: Path = Path("fairihub-data")
    port: int = 8000
    links: Path | None = None
    settings: Path | None = None
    open_browser: bool = True


def up(options: UpOptions) -> int:
    """Runs the hub until it is asked to end; 0 then, 1 if it could not start or ended by itself.

    Raises:
        FairihubError: something to mend first; nothing was left running.
    """
    adopt_orphans()
    # Signals are ours until the last process has ended: one that comes meanwhile must not end
    # us first.
    with _interruptible(), ExitStack() as stack:
        stack.callback(_end_all)
        try:
            # What can be refused is refused before anything is made.
            settings = _settings(options)
            ports = choose_ports(options.port, settings.host, **settings.known_ports)
            sign_in = chosen_sign_in(settings, os.environ)
            sources = _sources(options, settings)
            clusters.require_clusters(settings, sources)
            require_runs_database(settings)
            directory = _described(sources, team_state_of(Places(options.data.resolve())))
            places = datafolder.opened(options.data)
            lock = stack.enter_context(datafolder.held(places))
            hub = HubSettings(
                settings=settings,
                sign_in=sign_in,
                sources=sources,
                data=places.data,
                ports=ports,
                proxy_command=tuple(proxy_command(say)),
            )
            return _run(options, hub, directory, lock)
        except KeyboardInterrupt:
            say("Stopping …")
            return 0


def _end_all() -> None:
    try:
        processes.end_descendants()
    except KeyboardInterrupt:
        processes.end_descendants(patience=0)


def _sources(options: UpOptions, settings: Settings) -> tuple[TeamFiles, ...]:
    """What the command line names, else the settings, else the examples."""
    if options.teams is None and settings.team_files:
        return settings.team_files
    return (FolderTeams(folder=(options.teams or EXAMPLE_TEAMS).resolve()),)


def _described(sources: tuple[TeamFiles, ...], state: Path) -> TeamDirectory:
    """The teams that can be read before the hub runs; of a repository it knows nothing yet.

    Raises:
        BadInput: `no-teams`, there is no other source, and no team in those that there are.
    """
    folders = [source.folder for source in sources if isinstance(source, FolderTeams)]
    known = beginning_of(folders, kept_state(state), elsewhere=len(folders) < len(sources))
    for warning in known.warnings:
        say(f"Warning: {warning}")
    return known.directory


def _run(options: UpOptions, hub: HubSettings, directory: TeamDirectory, lock: int) -> int:
    places = hub.places
    _seed(hub, places, directory)
    path = places.hub / "settings.json"
    write_whole(path, hub.model_dump_json().encode())
    process = processes.start(
        [sys.executable, "-m", "fairihub.hub"],
        environment={**os.environ, VARIABLE: str(path)},
        folder=places.hub,
        log=_log(places),
        # The folder is in use until the hub has ended, also where we are killed before it.
        inherits=(lock,),
    )
    try:
        _wait_until_ready(hub, process)
        datafolder.announce(places, datafolder.Running(hub.address, os.getpid()))
        _welcome(options, hub, directory)
        code = processes.waited(process)
        raise Unavailable("hub-ended", f"The hub ended by itself ({code}). {_last_words(places)}")
    finally:
        processes.end(process, _STOP_SECONDS)


def _settings(options: UpOptions) -> Settings:
    written = options.settings or options.data / "fairihub.yaml"
    return read_settings(written if options.settings or written.is_file() else None)


def _seed(hub: HubSettings, places: Places, directory: TeamDirectory) -> None:
    """The examples bring their notebooks and secrets; a user's own teams bring their own."""
    if hub.folders != (EXAMPLE_TEAMS.resolve(),):
        return
    datafolder.seed_library(places, EXAMPLE_NOTEBOOKS, [t.name for t in directory.teams])
    datafolder.seed_secrets(
        places,
        [
            (team.namespace, name)
            for team in directory.teams
            for profile in team.profiles
            for name in profile.secret_names
        ],
    )


def _wait_until_ready(hub: HubSettings, process: subprocess.Popen[bytes]) -> None:
    """Until the hub and, last of all, the routes to it through the proxy answer."""
    deadline = time.monotonic() + _READY_SECONDS
    ports, local = hub.ports, "http://127.0.0.1"
    for what, address in (
        ("the hub", f"http://{hub.host}:{ports.hub}/hub/api/"),
        ("the catalogue", f"{local}:{ports.catalog}/services/catalog/"),
        ("the runs", f"{local}:{ports.headless}/services/headless/"),
        ("the way in", f"{hub.address}/hub/api/"),
        ("the way to the services", f"{hub.address}/services/headless/"),
    ):
        say(f"Starting: {what} …")
        while not _answers(address):
            if process.poll() is not None:
                said = _last_words(hub.places)
                raise Unavailable("no-start", f"The hub did not start. {said}")
            if time.monotonic() > deadline:
                said = _last_words(hub.places)
                raise Unavailable("no-start", f"{address} does not answer. {said}")
            time.sleep(0.2)


def _answers(address: str) -> bool:
    """Whether somebody is there: to sign in first is an answer, 404 and 5xx are the proxy's."""
    url = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=5)
    try:
        connection.request("GET", url.path)
        return connection.getresponse().status in (200, 302, 401, 403)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _welcome(options: UpOptions, hub: HubSettings, directory: TeamDirectory) -> None:
    directory = teams_read(hub, directory)
    # What is said elsewhere than in a terminal is kept, as in a journal, and read by others.
    in_terminal = sys.stdout.isatty()
    links = first_links(hub, directory, with_operators=in_terminal or options.links is not None)
    if options.links is not None:
        write_whole(options.links, json.dumps(links, indent=1).encode())
    say(f"\n{hub.settings.name} runs at {hub.public_address}\n")
    _say_sign_in(hub, links, directory, in_terminal)
    data = f" --data {shlex.quote(str(options.data))}" if options.data != UpOptions.data else ""
    some = next(iter(links), "LOGIN")
    say("\nNext:")
    say("  choose a profile, open the catalogue's tile in JupyterLab, open a copy of a notebook")
    if hub.sign_in == "links":
        say(f"  a new link:   {_program()} link {some}{data}")
    say(f"  for scripts:  {_program()} token {some}{data}")
    for source in hub.sources:
        say(f"  team files:   {named(source)}  ({counts_within(source)})")
    say(f"  log:          {_log(hub.places)}")
    if hub.settings.kubernetes is None:
        say("  Ctrl-C stops everything; what is in the data folder stays.\n")
    else:
        say("  Ctrl-C stops the hub; servers go on, and the next start takes them up again.\n")
    # After all else: a kubeconfig may name a program that takes its time.
    for warning in clusters.warnings(hub.settings):
        say(f"Warning: {warning}\n")
    if options.open_browser and in_terminal and links and _has_desktop():
        webbrowser.open(next(iter(links.values())))


def _say_sign_in(
    hub: HubSettings, links: dict[str, str], directory: TeamDirectory, in_terminal: bool
) -> None:
    if hub.sign_in != "links":
        name = hub.settings.oidc.name if hub.settings.oidc else ""
        say(f"Sign in with {'GitHub' if hub.sign_in == 'github' else name}, which must know the")
        say(f"callback address {hub.public_address}/hub/oauth_callback")
        return
    if not links:
        say("Sign in by link. No team file lists anybody yet; make links once one does.")
        return
    say("Sign in by link, one for each member and operator; a link works once:")
    operators = operators_of(hub)
    shown = {login: link for login, link in links.items() if in_terminal or login not in operators}
    width = max(map(len, shown), default=0)
    for login, link in shown.items():
        say(f"  {login:{width}}  {link}   {told_of(login, directory, operators)}")
    if operators and not in_terminal:
        say("  Operators' links are shown in a terminal only; “fairihub link” makes new ones.")


def _program() -> str:
    """How to call this command from here; make's own PATH is not that of the user's shell."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{sys.executable} -m fairihub"
    inside = called.is_absolute() and called.is_relative_to(Path.cwd())
    return str(called.relative_to(Path.cwd())) if inside else str(called)


def _has_desktop() -> bool:
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _log(places: Places) -> Path:
    return places.hub / "hub.log"


def _last_words(places: Places) -> str:
    """The end of the hub's log, where the reason stands."""
    try:
        lines = _log(places).read_text(errors="replace").splitlines()[-12:]
    except OSError:
        return ""
    return f"The end of {_log(places)}:\n" + "\n".join(line[:300] for line in lines)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal all end the hub; a second one no longer waits."""
    seen: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        seen.append(number)
        if len(seen) == 1:
            raise KeyboardInterrupt
        processes.end_descendants(patience=0)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(text: str) -> None:
    print(text, flush=True)
