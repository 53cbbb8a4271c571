"""Directives that write the reference from the code itself, so that the two cannot differ."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator

import headless_api
from docutils import nodes
from example_server import shown
from pydantic import BaseModel
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from fairihub.oidc_settings import GrantSetting, Oidc
from fairihub.operator_settings import OperatorSetting
from fairihub.settings import Settings
from fairihub.team_file_settings import FolderTeams, GitTeams, KubernetesTeams
from fairihub_core.customer_format import DATA_KEYS, LOGIN_KEYS, PROFILE_KEYS, Key
from fairihub_core.start_causes import CAUSES, PHASES, WHO
from fairihub_headless.processes.notebook_inputs import INPUTS, OUTPUTS
from fairihub_headless.settings import CheckoutSettings, RunSettings
from fairihub_spawner.kube.settings import BucketCsi, KubeSettings, NodePurpose, Toleration
from tests.support.access.matrix import Row, read_matrix

KINDS = {
    "text": "text",
    "name": "name",
    "names": "names",
    "bytes": "bytes, or `28Gi`, `30G`",
    "cores": "cores, may be a fraction",
    "hours": "hours",
    "count": "whole number",
    "seconds": "seconds",
    "flag": "`true` or `false`",
    "date": "date, `2026-12-31`",
    "url": "address",
}
CUSTOMER_TABLES = {"profile": PROFILE_KEYS, "data": DATA_KEYS, "login": LOGIN_KEYS}


SETTING_BLOCKS: dict[str, type[BaseModel]] = {
    "operator": OperatorSetting,
    "oidc": Oidc,
    "runs": RunSettings,
    "run-repository": CheckoutSettings,
    "grant": GrantSetting,
    "folder": FolderTeams,
    "git": GitTeams,
    "kubernetes": KubernetesTeams,
    "pods": KubeSettings,
    "node-purpose": NodePurpose,
    "toleration": Toleration,
    "bucket_csi": BucketCsi,
}


RUN_LIMITS = (
    "max_runs", "max_runs_per_member", "max_runs_per_team", "max_queued_per_member",
    "submissions_per_minute", "max_hours", "max_output_bytes", "max_log_bytes",
    "max_results_bytes",
    "max_followers_per_member", "longest_wait_seconds", "keep_days", "keep_failed_days",
    "keep_runs_per_team", "max_pinned_per_member",
)  # fmt: skip


CELLS = {"ok": "✓", "login": "sign in", "out": "out", "-": "–"}


class Generated(SphinxDirective):
    """A directive whose content is MyST that `written` gives."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(self.written()), allow_section_headings=True)

    def written(self) -> Iterable[str]:
        raise NotImplementedError


class CustomerKeys(Generated):
    """One table of the keys of a customer.yaml: `profile`, `data` or `login`."""

    required_arguments = 1
    optional_arguments = 0

    def written(self) -> Iterator[str]:
        yield from ("| key | value | meaning |", "|---|---|---|")
        for key in CUSTOMER_TABLES[self.arguments[0]].values():
            yield f"| `{key.name}`{_star(key)} | {KINDS[key.kind]} | {key.help} |"


def _star(key: Key) -> str:
    return " \\*" if key.ours else ""


class SettingKeys(Generated):
    """Every setting with its default and what it means, or those of one block."""

    def written(self) -> Iterator[str]:
        block = SETTING_BLOCKS[self.arguments[0]] if self.arguments else Settings
        yield from ("| setting | default | meaning |", "|---|---|---|")
        for name, field in block.model_fields.items():
            default = (
                "required" if field.is_required() else field.get_default(call_default_factory=True)
            )
            yield f"| `{name}` | {_default(default)} | {field.description} |"


def _default(default: object) -> str:
    if isinstance(default, BaseModel):
        return "see below"
    if default in (None, "", (), {}):
        return "none"
    return "required" if default == "required" else f"`{_written(default)}`"


def _written(value: object) -> object:
    """As a settings file would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value >= 2**20 and not value % 2**20:
        return f"{value // 2**30}Gi" if not value % 2**30 else f"{value // 2**20}Mi"
    return f"{value:g}" if isinstance(value, float) else value


class RunTable(Generated):
    """The `inputs` or the `outputs` of `execute-notebook`."""

    required_arguments = 1
    optional_arguments = 0

    def written(self) -> Iterator[str]:
        kind = self.arguments[0]
        yield from (f"| {kind[:-1]} | meaning |", "|---|---|")
        for name, told in {"inputs": INPUTS, "outputs": OUTPUTS}[kind].items():
            yield f"| `{name}` | {told.description} |"


class RunLimits(Generated):
    """The bounds of the runs service that its users meet, with their defaults."""

    optional_arguments = 0

    def written(self) -> Iterator[str]:
        yield from ("| what | if nothing else is set |", "|---|---|")
        for name in RUN_LIMITS:
            field = RunSettings.model_fields[name]
            yield f"| {field.description} | {_bound(name, field.default)} |"


def _bound(name: str, value: object) -> str:
    """A default with its unit, which the name of the setting tells."""
    if name == "max_runs":
        return "as many as there are processors"
    if not isinstance(value, int | float):
        return "no bound"
    if value >= 2**20:
        return f"{value // 2**20} MiB"
    units = {"hours": " hours", "days": " days", "seconds": " seconds"}
    return f"{value:g}{units.get(name.rpartition('_')[2], '')}"


class HeadlessApi(Generated):
    """The `operations` or the `models` of the runs service."""

    required_arguments = 1
    optional_arguments = 0

    def written(self) -> Iterator[str]:
        return {"operations": headless_api.operations, "models": headless_api.models}[
            self.arguments[0]
        ]()


class AccessMatrix(Generated):
    """Who may call which route: the file that the tests walk on a real hub, as tables."""

    optional_arguments = 0

    def written(self) -> Iterator[str]:
        matrix = read_matrix()
        yield from ("| caller | who |", "|---|---|")
        for column in matrix.columns:
            yield f"| {column.name} | {column.told} |"
        for group in matrix.groups:
            yield from ("", f"## {group.title}", "", group.told, "")
            yield "| route | method | " + " | ".join(group.columns) + " |"
            yield "|" + "---|" * (len(group.columns) + 2)
            for row in group.rows:
                yield from _asks(row, group.columns)


def _asks(row: Row, columns: tuple[str, ...]) -> Iterator[str]:
    route = f"`{row.route}`" + (f", {row.case}" if row.case else "")
    for ask in row.asks:
        cells = " | ".join(CELLS.get(ask.cells[name], ask.cells[name]) for name in columns)
        yield f"| {route.replace('|', chr(92) + '|')} | {ask.method} | {cells} |"


class StartFailures(Generated):
    """Every cause for which a server may not start, by phase: words, cause, remedy, who."""

    optional_arguments = 0

    def written(self) -> Iterator[str]:
        for phase, title in PHASES.items():
            yield from (f"## {title}", "")
            for code, cause in CAUSES.items():
                if cause.phase == phase:
                    yield from (f"### `{code}`", "")
                    if cause.message:
                        yield from (f"> {_left_open(cause.message)}", "")
                    if cause.lost:
                        yield from (f"> {_left_open(cause.lost[0])}", "")
                    _, remedy = cause.words(final=True)
                    yield from (f"**Cause.** {cause.told}", "")
                    yield from (f"**Remedy.** {remedy}", "", f"**Who.** {WHO[cause.who]}", "")


def _left_open(words: str) -> str:
    """A message with `NAME` for what differs."""
    return re.sub(r"%\((\w+)\)s", lambda name: f"`{name[1].upper()}`", words)


class ExampleObject(SphinxDirective):
    """What the example of servers.md becomes, as YAML: `pod`, `secret` or `claim`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = shown(self.arguments[0])
        return [nodes.literal_block(text, text, language="yaml")]


class CommandLine(Generated):
    """Every command of `fairihub` with its options, from the parser that reads them."""

    def written(self) -> Iterator[str]:
        from fairihub.cli import _parser

        for name, sentence, command in _commands(_parser()):
            yield from (f"## `fairihub {name}`", "", sentence, "")
            yield from ("```text", command.format_usage().strip(), "```", "")
            yield from _options(command)


def _commands(
    whole: argparse.ArgumentParser,
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Each command: its name, a sentence on what it does, and its own parser."""
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                sentence = command.description or f"{helps[name][:1].upper()}{helps[name][1:]}."
                yield name, sentence, command
                yield from ((f"{name} {below}", *rest) for below, *rest in _commands(command))


def _options(command: argparse.ArgumentParser) -> Iterator[str]:
    actions = [a for a in command._actions if a.dest != "help" and a.nargs != argparse.PARSER]
    if not actions:
        return
    yield from ("| option | meaning |", "|---|---|")
    for action in actions:
        name = ", ".join(action.option_strings) or (action.metavar or action.dest)
        words = action.metavar if isinstance(action.metavar, tuple) else (action.metavar or "",)
        value = f" {' '.join(words)}" if action.option_strings and action.metavar else ""
        yield f"| `{name}{value}` | {(action.help or '') % vars(action)} |"
    yield ""


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("customer-keys", CustomerKeys)
    app.add_directive("setting-keys", SettingKeys)
    app.add_directive("run-table", RunTable)
    app.add_directive("access-matrix", AccessMatrix)
    app.add_directive("start-failures", StartFailures)
    app.add_directive("example-object", ExampleObject)
    app.add_directive("command-line", CommandLine)
    app.add_directive("headless-api", HeadlessApi)
    app.add_directive("run-limits", RunLimits)
    return {"parallel_read_safe": True}
