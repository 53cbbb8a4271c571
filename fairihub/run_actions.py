"""What `fairihub run` and `fairihub runs` do: ask the service by its client, and tell of it."""

from __future__ import annotations

import json
import signal
import sys
import uuid
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from fairihub import run_screen
from fairihub.run_parameters import parameters_of, typed
from fairihub_core.errors import BadInput
from fairihub_headless.client import Job, RunsClient, RunsError, State, StatusInfo
from fairihub_headless.client.downloads import require_folder

FAILED, WRONG, OTHERWISE = 1, 2, 3
_CODES = {State.successful: 0, State.failed: FAILED}
_PASSING = frozenset({408, 410, 425, 429})
"""Refusals that are nobody's mistake."""
_NOT_HERE = frozenset({"no-hub-named", "no-token", "bad-hub-url", "no-such-file", "no-notebook",
                       "bad-parameters"})  # fmt: skip


def done(action: str, options: Namespace) -> int:
    """Does it and returns the exit code; says on stderr what was refused."""
    # The entry point lets Ctrl-C end the process at once; here there may be something to say.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with _client(options) as runs:
            return _ACTIONS[action](runs, options)
    except RunsError as problem:
        _say(f"{problem.message}{_hint(problem, options)}")
        return WRONG if _is_wrong(problem) else OTHERWISE
    except (BrokenPipeError, KeyboardInterrupt):  # whoever asked has enough
        return OTHERWISE
    except OSError as problem:
        _say(str(problem))
        return OTHERWISE


def _run(runs: RunsClient, options: Namespace) -> int:
    notebook = Path(options.notebook) if options.upload else options.notebook
    wishes = _wishes(options) | {"version": options.notebook_version}
    parameters = _parameters(options)
    with _submitting(options) as key:
        job = runs.run(notebook, parameters, key=key, **wishes)
    return _followed(job, options)


def _again(runs: RunsClient, options: Namespace) -> int:
    given = {name: value for name, value in _wishes(options).items() if value is not None}
    parameters = _parameters(options)
    before = runs.job(options.job)
    with _submitting(options) as key:
        job = before.again(parameters, key=key, **given)
    return _followed(job, options)


@contextmanager
def _submitting(options: Namespace) -> Iterator[str]:
    """With a key, which is told where nobody knows whether the run was stored.

    Raises:
        BadInput: what it leaves could not be put where it is wanted.
    """
    try:
        if options.download:
            require_folder(options.download)
    except RunsError as problem:
        raise BadInput(problem.code, problem.message) from None
    key = options.key or uuid.uuid4().hex
    hint = f"To ask again without starting it twice: the same command with --key {key}"
    try:
        yield key
    except KeyboardInterrupt:
        _say(f"Interrupted. {hint}")
        raise
    except RunsError as problem:
        if problem.code != "bad-answer" and _is_wrong(problem):
            raise
        words = f"{problem.message} {hint}"
        raise RunsError(problem.code, words, problem.status, problem.details) from None


def _follow(runs: RunsClient, options: Namespace) -> int:
    return _followed(runs.job(options.job), options)


def _followed(job: Job, options: Namespace) -> int:
    """Waits for its end, tells of it, and fetches what it left."""
    if options.detach:
        print(job.id if options.format == "text" else job.info.model_dump_json(indent=2))
        return 0
    screen = run_screen.Screen(logs=options.logs)
    try:
        for event in job.follow():
            screen.show(event)
    except KeyboardInterrupt:
        screen.close()
        return _interrupted(job, cancel=options.cancel_on_interrupt)
    finally:
        screen.close()
    return _told(job, options)


def _interrupted(job: Job, *, cancel: bool) -> int:
    if cancel:
        stands = run_screen.standing(job.cancel())  # it may have ended before
        print(f"{stands}\nWhat it has done: fairihub runs show {job.id}", file=sys.stderr)
    else:
        print(
            f"The run goes on. Follow it: fairihub runs follow {job.id}\n"
            f"Cancel it: fairihub runs cancel {job.id}",
            file=sys.stderr,
        )
    return OTHERWISE


def _told(job: Job, options: Namespace) -> int:
    """What a run that has ended brought, on stdout; why it brought nothing, on stderr."""
    if job.status is State.failed:
        print(run_screen.failure(job.info), file=sys.stderr)
    code, fetched, brought = _CODES.get(job.status, OTHERWISE), list[Path](), dict[str, Any]()
    try:
        brought = job.results().scraps if job.status is State.successful else {}
        fetched = job.download(options.download) if options.download else []
    except RunsError as problem:  # how the run has ended is told even so
        _say(problem.message)
        code = code or OTHERWISE
    if options.format == "json":
        told = {"job": job.info.model_dump(mode="json"), "scraps": brought,
                "downloaded": [str(path) for path in fetched]}  # fmt: skip
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print_scraps(brought)
        if fetched:
            print(f"{len(fetched)} files in {options.download}", file=sys.stderr)
    return code


def _list(runs: RunsClient, options: Namespace) -> int:
    named = ("status", "text", "since", "until", "team", "owner")
    chosen = runs.jobs(**{name: getattr(options, name) for name in named})
    found = [job.info for job in islice(chosen, max(0, options.limit))]
    if options.format == "json":
        print(json.dumps([info.model_dump(mode="json") for info in found], indent=2))
        return 0
    for info in found:
        notebook = run_screen.shown(str(info.parameters.get("notebook", "")))
        stands, began = run_screen.word(info.status), f"{info.created:%Y-%m-%d %H:%M}"
        print(f"{info.jobID}  {stands:10}  {began}  {info.profile}  {notebook}")
    if not found:
        print("No such runs.", file=sys.stderr)
    return 0


def _show(runs: RunsClient, options: Namespace) -> int:
    job = runs.job(options.job)
    if options.format == "json":
        print(job.info.model_dump_json(indent=2))
        return 0
    for line in _facts(job.info):
        print(line)
    if job.status is State.failed:
        print(run_screen.failure(job.info))
    elif job.status is State.successful:
        try:
            _print_scraps(job.results().scraps)
        except RunsError as problem:  # another's, or expired: how it stands is told even so
            print(problem.message, file=sys.stderr)
    return 0


def _facts(info: StatusInfo) -> Iterator[str]:
    yield run_screen.standing(info)
    yield f"notebook: {run_screen.shown(str(info.parameters.get('notebook', '')))}"
    yield f"owner: {info.owner}; profile: {info.profile}; attempt: {info.attempt}"
    yield f"cells: {info.cell} of {info.cells}"
    for name in ("created", "started", "finished"):
        if (moment := getattr(info, name)) is not None:
            yield f"{name}: {moment:%Y-%m-%d %H:%M:%S %Z}"


def _logs(runs: RunsClient, options: Namespace) -> int:
    printed = runs.job(options.job).logs(options.tail)
    sys.stdout.write(run_screen.shown(printed) if sys.stdout.isatty() else printed)
    return 0


def _cancel(runs: RunsClient, options: Namespace) -> int:
    """All of them, whatever becomes of one; the exit code is the worst."""
    if not options.job and not options.standing:
        raise BadInput("no-such-job", "Say which runs: their ids, or --status waiting.")
    code, told = 0, list[StatusInfo]()
    # All are found before the first is ended: the list changes by that.
    chosen = list(runs.jobs(status=options.standing)) if options.standing else []
    for job_id in [*options.job, *(job.id for job in chosen)]:
        try:
            told.append(runs.job(job_id).cancel())
        except RunsError as problem:
            _say(f"{job_id}: {problem.message}")
            code = max(code, WRONG if _is_wrong(problem) else OTHERWISE)
            continue
        if options.format == "text":
            print(run_screen.standing(told[-1]), flush=True)
    if options.format == "json":
        print(json.dumps([info.model_dump(mode="json") for info in told], indent=2))
    elif not chosen and options.standing:
        print("No such runs.", file=sys.stderr)
    return code


def _pin(runs: RunsClient, options: Namespace) -> int:
    return _stands(runs.job(options.job).pin(), options)


def _unpin(runs: RunsClient, options: Namespace) -> int:
    return _stands(runs.job(options.job).unpin(), options)


def _stands(info: StatusInfo, options: Namespace) -> int:
    print(info.model_dump_json(indent=2) if options.format == "json" else
          run_screen.standing(info))  # fmt: skip
    return 0


def _download(runs: RunsClient, options: Namespace) -> int:
    job = runs.job(options.job)
    if options.zip is not None:
        fetched = [job.download_zip(options.zip)]
    elif options.report is not None:
        fetched = [job.download_report(options.report)]
    else:
        fetched = job.download(options.to, *options.names)
    if options.format == "json":
        print(json.dumps([str(path) for path in fetched], indent=2))
    else:
        for path in fetched:
            print(path)
    return 0


_ACTIONS: dict[str, Callable[[RunsClient, Namespace], int]] = {
    "run": _run, "runs": _list, "show": _show, "follow": _follow, "logs": _logs,
    "cancel": _cancel, "again": _again, "download": _download, "pin": _pin, "unpin": _unpin,
}  # fmt: skip


def _say(words: str) -> None:
    print(f"fairihub: {words}", file=sys.stderr)


def _parameters(options: Namespace) -> dict[str, Any]:
    return parameters_of(
        options.parameters_file, options.parameters_yaml, options.parameter, options.raw
    )


def _wishes(options: Namespace) -> dict[str, Any]:
    named = ("team", "profile", "kernel", "retries", "deadline", "priority")
    return {name: getattr(options, name) for name in named} | {
        name: typed(value) for name, value in options.input
    }


def _print_scraps(scraps: dict[str, Any]) -> None:
    for name, value in scraps.items():
        words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        print(f"{run_screen.shown(name)}: {run_screen.shown(words)}")


@contextmanager
def _client(options: Namespace) -> Iterator[RunsClient]:
    """The service that is meant.

    Raises:
        RunsError: nobody said which.
    """
    if options.login is not None:
        # Imported late: it needs the hub's own parts, and a laptop has none.
        from fairihub.remote import lent_token

        lent = lent_token(options.data, options.login)
        with lent as (address, token), RunsClient(address, token) as runs:
            yield runs
        return
    with RunsClient(options.url, _token(options.token_file)) as runs:
        yield runs


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeError) as problem:
        raise BadInput("no-token", f"{file} cannot be read: {problem}.") from None


def _is_wrong(problem: RunsError) -> bool:
    """Whether it was asked for wrongly, rather than that it does not go now."""
    status = problem.status or 0
    return problem.code in _NOT_HERE or (400 <= status < 500 and status not in _PASSING)


def _hint(problem: RunsError, options: Namespace) -> str:
    """What else may have been meant."""
    if problem.code == "no-hub-named":
        return " On the command line: --url URL, or on the hub's own machine --login LOGIN."
    named = getattr(options, "notebook", None)
    if problem.code == "no-such-notebook" and named and Path(named).is_file():
        return f" There is a file {named} here; to send it, add --upload."
    return ""
