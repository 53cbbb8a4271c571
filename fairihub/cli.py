"""The command line: each command reads its arguments here and does its work elsewhere.

Exit codes: 0 done, 1 findings or a failure that a person can mend, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import get_args

import yaml

from fairihub.run_command import add_run_commands
from fairihub_core.audit import Action, line_of
from fairihub_core.customer_crd import customer_crd
from fairihub_core.customer_format import customer_schema
from fairihub_core.errors import BadInput, FairihubError, Unavailable

DATA = Path("fairihub-data")
NOT_LOOKED = 3
"""The exit code where nobody can say whether something is left over."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the entry point of `fairihub`."""
    try:
        options = _parser().parse_args(arguments)
        done: int = options.run(options)
        return done
    except KeyboardInterrupt:
        return 130
    except FairihubError as problem:
        print(f"fairihub: {problem.message}", file=sys.stderr)
        return 2 if isinstance(problem, BadInput) else 1
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fairihub", description="One file per team becomes a whole Jupyter workspace."
    )
    parser.add_argument("--version", action="version", version=f"fairihub {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_up(commands)
    _add_login_command(commands, "link", "make a sign-in link for a member", _link)
    _add_login_command(commands, "token", "print an API token for a member's scripts", _token)
    _add_why(commands)
    _add_audit(commands)
    _add_login_command(commands, "unpin", "forget which account a login is pinned to", _unpin)
    _add_leftovers(commands)
    _add_check(commands)
    add_run_commands(commands, DATA)
    schema = commands.add_parser("schema", help="print the JSON Schema of a customer.yaml")
    schema.set_defaults(run=_schema)
    crd = commands.add_parser(
        "crd",
        help="print the CustomResourceDefinition of Customer objects",
        description="Prints what makes a Kubernetes cluster know Customer objects: "
        "fairihub crd | kubectl apply -f -",
    )
    crd.set_defaults(run=_crd)
    return parser


def _add_up(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    up = commands.add_parser(
        "up",
        help="run a hub on this machine",
        description="Runs a hub on this machine until Ctrl-C. Everything lies in one data folder.",
    )
    up.add_argument(
        "--teams", type=Path, metavar="PATH", help="a team file or a folder of them (the examples)"
    )
    _add_data(up)
    up.add_argument("--port", type=_port, default=8000, help="where people reach it (%(default)s)")
    up.add_argument(
        "--links", type=Path, metavar="FILE", help="write the sign-in links as JSON, by login"
    )
    up.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings of the hub (fairihub.yaml in the data folder, if there is one)",
    )
    up.add_argument("--no-open", action="store_true", help="do not open a browser")
    up.set_defaults(run=_up)


def _add_login_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help_text: str,
    run: object,
) -> None:
    command = commands.add_parser(name, help=help_text)
    command.add_argument("login", metavar="LOGIN")
    _add_data(command)
    command.set_defaults(run=run)


def _add_why(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    why = commands.add_parser(
        "why",
        help="say why a login comes in, or does not",
        description="Says what decides whether a login comes in: the team, and the file, line and "
        "revision. Exit code 1 if it does not come in.",
    )
    why.add_argument("login", metavar="LOGIN")
    why.add_argument("--team", metavar="TEAM", help="in regard to this team only")
    why.add_argument("--format", choices=("text", "json"), default="text")
    _add_data(why)
    why.set_defaults(run=_why)


def _add_audit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    audit = commands.add_parser(
        "audit",
        help="show who came in, was refused or removed, and who changed what",
        description="Shows the audit log of a hub that runs, newest first.",
    )
    audit.add_argument("--since", metavar="TIME", help="from this time on: 2026-11-21T08:00")
    audit.add_argument("--login", metavar="LOGIN", help="about or by this login")
    audit.add_argument("--team", metavar="TEAM", help="about this team")
    audit.add_argument(
        "--action", choices=get_args(Action), metavar="ACTION", help="one of: %(choices)s"
    )
    audit.add_argument("--limit", default="100", help="at most so many (%(default)s)")
    audit.add_argument("--format", choices=("text", "json"), default="text")
    _add_data(audit)
    audit.set_defaults(run=_audit)


def _add_leftovers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    leftovers = commands.add_parser(
        "leftovers",
        help="show what servers on Kubernetes have left behind",
        description="Shows pods, Secrets and volumes that this hub made on Kubernetes and needs no "
        "more, of a hub that runs. Exit code 1 if there are some, 3 if it could not look "
        "everywhere.",
    )
    leftovers.add_argument(
        "--delete", action="store_true", help="delete the pods and Secrets; volumes stay"
    )
    leftovers.add_argument("--format", choices=("text", "json"), default="text")
    _add_data(leftovers)
    leftovers.set_defaults(run=_leftovers)


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = commands.add_parser("check", help="report what is wrong with team files")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files or folders")
    check.add_argument("--format", choices=("text", "json"), default="text")
    check.set_defaults(run=_check)


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help="the data folder (%(default)s)"
    )


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"“{text[:20]}” is no port; use a number up to 65535")


def _up(options: argparse.Namespace) -> int:
    # Imported late: `fairihub check` must work, and quickly, where no hub is installed.
    from fairihub.up import UpOptions, up

    return up(
        UpOptions(
            teams=options.teams,
            data=options.data,
            port=options.port,
            links=options.links,
            settings=options.settings,
            open_browser=not options.no_open,
        )
    )


def _link(options: argparse.Namespace) -> int:
    from fairihub.remote import new_link

    print(new_link(options.data, options.login))
    return 0


def _token(options: argparse.Namespace) -> int:
    from fairihub.remote import new_token

    print(new_token(options.data, options.login))
    return 0


def _why(options: argparse.Namespace) -> int:
    from fairihub.remote import explanation

    answer = explanation(options.data, options.login, options.team)
    told = answer.explanation
    if answer.state_of is not None:
        print(
            f"The hub is off; this is its state of {answer.state_of:%Y-%m-%d %H:%M} UTC. "
            "Renamed accounts are told by their hub name.",
            file=sys.stderr,
        )
    if options.format == "json":
        print(told.model_dump_json(indent=2))
    else:
        print(told.said)
        for ground in told.grounds:
            mark = "+" if ground.admitted else "-"
            print(f"  {mark} {ground.team}: {ground.said}" if ground.team else f"    {ground.said}")
            if ground.place is not None:
                print(f"    {ground.place}")
    return 0 if told.admitted else 1


def _audit(options: argparse.Namespace) -> int:
    from fairihub.remote import audit

    names = ("since", "login", "team", "action", "limit")
    entries = audit(options.data, {n: v for n in names if (v := getattr(options, n)) is not None})
    if options.format == "json":
        print(json.dumps([entry.model_dump(mode="json") for entry in entries], indent=2))
        return 0
    for entry in entries:
        print(line_of(entry))
    if not entries:
        print("No such entries.", file=sys.stderr)
    return 0


def _leftovers(options: argparse.Namespace) -> int:
    from fairihub.remote import leftovers

    try:
        told = leftovers(options.data, delete=options.delete)
    except Unavailable as problem:
        print(f"fairihub: {problem.message}", file=sys.stderr)
        return NOT_LOOKED
    if options.format == "json":
        print(told.model_dump_json(indent=2))
    else:
        for gone in told.deleted:
            print(f"deleted: {gone.said}")
        for left in told.leftovers:
            print(left.said)
        if not (told.leftovers or told.deleted or told.unread):
            print("Nothing is left over.", file=sys.stderr)
    for namespace in told.unread:
        print(f"fairihub: The hub may not look into the namespace {namespace}.", file=sys.stderr)
    return NOT_LOOKED if told.unread else 1 if told.leftovers else 0


def _unpin(options: argparse.Namespace) -> int:
    from fairihub.remote import unpin

    print(unpin(options.data, options.login).said)
    return 0


def _check(options: argparse.Namespace) -> int:
    from fairihub.team_files import check_report, lines_of, readings_of

    readings = readings_of(*options.files)
    if options.format == "json":
        print(json.dumps(check_report(readings), indent=2, ensure_ascii=False))
    else:
        for line in lines_of(readings):
            print(line)
        for reading in readings:
            if not reading.findings:
                print(f"{reading.path}: no findings")
    return 1 if any(reading.findings for reading in readings) else 0


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(customer_schema(), indent=2, ensure_ascii=False))
    return 0


def _crd(_: argparse.Namespace) -> int:
    # Without references to what stands twice, which kubectl reads and people do not.
    text = json.dumps(customer_crd())
    print(yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True, width=100), end="")
    return 0


def _version() -> str:
    try:
        return version("fairihub")
    except PackageNotFoundError:
        return "(not installed)"
