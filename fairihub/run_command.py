"""`fairihub run` and `fairihub runs`: their arguments. What they do stands in `run_actions`.

Exit codes: 0 done, 1 the run failed, 2 wrong use, 3 it was cancelled, nobody knows its end, or what
it left could not be fetched.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from fairihub_core.run_words import RUN_WORDS, state_of

Commands = Any  # argparse has no public name for it

_BEFORE_THE_END = ("accepted", "running")
_CODES = (
    "Exit code 0 if the run succeeded, 1 if it failed, 2 if it was asked for wrongly, 3 if it was "
    "cancelled, its end is not known, or what it left could not be fetched."
)
_WHERE = (
    "Which hub: --url or FAIRIHUB_URL, with a token in a file (--token-file) or in "
    "FAIRIHUB_TOKEN; in a server of a hub, that hub; on the hub's own machine --login."
)


def _one_of(states: Collection[str]) -> Callable[[str], str]:
    """Reads one of these states: as people are shown it, or as the service calls it."""

    def read(given: str) -> str:
        state = state_of(given)
        if state is None or state not in states:
            raise argparse.ArgumentTypeError(f"“{given}” is none of: {_words(states)}")
        return state

    return read


def _words(states: Collection[str]) -> str:
    return ", ".join(RUN_WORDS[state] for state in states)


def add_run_commands(commands: Commands, data: Path) -> None:
    """Adds both to the command line.

    Args:
        data: the default data folder.
    """
    _add_run(commands, data)
    _add_runs(commands, data)


def _add_run(commands: Commands, data: Path) -> None:
    run = commands.add_parser(
        "run",
        help="run a notebook on a hub and follow it",
        description="Runs a notebook on a hub, follows it, and prints what it brought. NOTEBOOK is "
        "named as the hub names it: a path in your home folder there if it ends in .ipynb, else "
        f"the id of a notebook of the catalogue. {_WHERE} {_CODES}",
    )
    run.add_argument("notebook", metavar="NOTEBOOK", help="a path in your home there, or an id")
    run.add_argument(
        "--upload", action="store_true", help="NOTEBOOK is a file of this computer; send it"
    )
    run.add_argument(
        "--notebook-version", metavar="VERSION", help="of a notebook of the catalogue: not the "
        "present one",
    )  # fmt: skip
    _add_wishes(run)
    _add_following(run)
    _add_place(run, data, "run")


def _add_wishes(command: argparse.ArgumentParser) -> None:
    """What a run is to be like."""
    for short, name, say in (
        ("-p", "parameter", "a parameter; numbers, true, false, null and JSON are understood"),
        ("-r", "raw", "a parameter that is a text, whatever it looks like"),
    ):
        command.add_argument(
            short, f"--{name}", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
            dest=name, help=say,
        )  # fmt: skip
    command.add_argument(
        "-f", "--parameters-file", type=Path, action="append", default=[], metavar="FILE",
        help="parameters as YAML or JSON",
    )  # fmt: skip
    command.add_argument(
        "-y", "--parameters-yaml", action="append", default=[], metavar="YAML",
        help="parameters as a text of YAML or JSON",
    )  # fmt: skip
    for name, say in (
        ("team", "the team, if you have several"),
        ("profile", "a profile of yours"),
        ("kernel", "the kernel; the notebook's own, if nothing is said"),
    ):
        command.add_argument(f"--{name}", metavar=name.upper(), help=say)
    command.add_argument(
        "--retries", type=int, metavar="N",
        help="begin again so often if the kernel, the worker or the service dies",
    )  # fmt: skip
    command.add_argument(
        "--deadline", type=float, metavar="SECONDS", help="end an attempt after so long"
    )
    command.add_argument("--priority", choices=("low", "normal", "high"), help="among your own")
    command.add_argument(
        "--input", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="any other input of execute-notebook, such as mem_limit 2Gi",
    )  # fmt: skip
    command.add_argument(
        "--key", metavar="KEY", help="a name for this run: asked for twice, it is run once"
    )


def _add_following(command: argparse.ArgumentParser) -> None:
    """What is done after the start."""
    command.add_argument("--detach", action="store_true", help="print the run's id, and be done")
    command.add_argument("--logs", action="store_true", help="show what the run prints")
    command.add_argument(
        "--download", type=Path, metavar="DIR", help="put what the run leaves into this folder"
    )
    command.add_argument(
        "--cancel-on-interrupt", action="store_true",
        help="Ctrl-C cancels the run; else it goes on and only following ends",
    )  # fmt: skip


def _add_runs(commands: Commands, data: Path) -> None:
    runs = commands.add_parser(
        "runs",
        help="list runs, look at one, fetch what it left, cancel or repeat it",
        description=f"Lists your runs, newest first. {_WHERE}",
    )
    runs.add_argument(
        "--status", action="append", type=_one_of(RUN_WORDS), default=[], metavar="STATUS",
        help=f"only runs in this state: {_words(RUN_WORDS)}",
    )  # fmt: skip
    runs.add_argument("--text", metavar="WORDS", help="in its notebook, title or failure")
    runs.add_argument("--since", metavar="TIME", help="asked for then or later: 2026-11-21")
    runs.add_argument("--until", metavar="TIME", help="asked for then or before")
    runs.add_argument("--team", metavar="TEAM", help="runs of this team, if you look after it")
    runs.add_argument("--owner", metavar="LOGIN", help="runs of this member, likewise")
    runs.add_argument("--limit", type=int, default=20, metavar="N", help="so many (%(default)s)")
    _add_place(runs, data, "runs")
    each = runs.add_subparsers(metavar="COMMAND")
    _add_one(each, "show", "show how a run stands, and what it brought")
    follow = _add_one(each, "follow", "follow a run that was started before", codes=True)
    _add_following(follow)
    logs = _add_one(each, "logs", "print what a run has printed so far")
    logs.add_argument("--tail", type=int, metavar="N", help="only the last so many lines")
    _add_cancel(each)
    _add_one(each, "pin", "keep what a run left, whatever its age")
    _add_one(each, "unpin", "keep what a run left no longer than that of others")
    again = _add_one(each, "again", "repeat a run, also with changes", codes=True)
    _add_wishes(again)
    _add_following(again)
    download = _add_one(each, "download", "fetch what a run left")
    download.add_argument("names", nargs="*", metavar="NAME", help="only these files")
    download.add_argument(
        "--to", type=Path, default=Path(), metavar="DIR", help="into this folder (the present one)"
    )
    whole = download.add_mutually_exclusive_group()
    whole.add_argument("--zip", type=Path, metavar="FILE", help="all as one archive, as this file")
    whole.add_argument(
        "--report", type=Path, metavar="FILE", help="a page that shows what it did, as this file"
    )


def _add_cancel(commands: Commands) -> None:
    cancel = _add_one(commands, "cancel", "cancel runs; what they have done stays", number="*")
    cancel.add_argument(
        "--status", type=_one_of(_BEFORE_THE_END), action="append", default=[],
        dest="standing", metavar="STATUS",
        help=f"all runs of yours in this state: {_words(_BEFORE_THE_END)}",
    )  # fmt: skip


def _add_one(
    commands: Commands, name: str, say: str, *, codes: bool = False, number: str | None = None
) -> argparse.ArgumentParser:
    """A command about one run, or about several."""
    told = f"{say[:1].upper()}{say[1:]}."
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=say, description=f"{told} {_CODES}" if codes else told
    )
    command.add_argument("job", metavar="ID", nargs=number, help="the id of the run")
    _add_place(command, argparse.SUPPRESS, name)
    return command


def _add_place(command: argparse.ArgumentParser, data: Path | str, action: str) -> None:
    """Which hub is asked, and how it is told of.

    Args:
        data: the default data folder; for a command below another what was said above it stays.
    """
    below = data is argparse.SUPPRESS
    default: Any = argparse.SUPPRESS if below else None
    command.add_argument("--url", metavar="URL", default=default, help="the hub's address")
    command.add_argument(
        "--token-file", type=Path, metavar="FILE", default=default, help="a file with your token"
    )
    command.add_argument(
        "--login", metavar="LOGIN", default=default,
        help="on the hub's own machine: as this member, without a token",
    )  # fmt: skip
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=data,
        help="there: the hub's data folder" + ("" if below else " (%(default)s)"),
    )
    command.add_argument(
        "--format", choices=("text", "json"), default=argparse.SUPPRESS if below else "text"
    )
    command.set_defaults(run=_do(action))


def _do(action: str) -> Any:
    def run(options: argparse.Namespace) -> int:
        # Imported late: other commands work, and quickly, where no client is installed.
        from fairihub.run_actions import done

        return done(action, options)

    return run
