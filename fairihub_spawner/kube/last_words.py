"""The last lines of a container's log as people may read them: no control characters, no secrets.

What is taken out: the secrets that are passed in, in every form in which programs print them, and
whatever looks like a token, a password, a key or a signed address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fairihub_core.hiding import HIDDEN, without

LINES = 40
WIDTH = 300
_MAX_TEXT = 128 * 1024


def last_words(
    log: str, secrets: Iterable[str] = (), *, lines: int = LINES, width: int = WIDTH
) -> tuple[str, ...]:
    """The last lines of `log`, cleaned; each at most `width` characters, no empty ones at the end.

    Args:
        secrets: values that must not be told: of the team's secrets, the server's token.
    """
    plain = _without_control(_tail(log))
    # Before anything is cut, else what is left of a secret would not be known as one.
    told = _redacted(without(plain, secrets))
    whole = told.rstrip().splitlines()[-lines:] if lines > 0 else []
    return tuple(_cut(line, width) for line in whole)


def cleaned(text: str, secrets: Iterable[str] = (), width: int = 1000) -> str:
    """A message of the cluster, cleaned, on one line."""
    return " ".join(last_words(text, secrets, width=width))[:width]


def _tail(log: str) -> str:
    """The end of a log that is too long; what is left of its first line may be half a secret."""
    if len(log) <= _MAX_TEXT:
        return log
    return log[-_MAX_TEXT:].partition("\n")[2]


_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and movements of the cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
)
# Those that turn the direction of text, or take no room, could make a line read otherwise.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def _without_control(text: str) -> str:
    text = _ESCAPES.sub("", text.replace("\r\n", "\n")).expandtabs(4)
    # A bar of progress writes its line again and again; the last of it counts.
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _UNSEEN.sub("", text)


# Each begins at few places and looks ahead a bounded way, so that no log can be made to be slow.
_NAMES = (
    r"(?:token|passwor[dt]|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credential|signature|\bsig\b|\bpwd\b)[\w-]{0,40}"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)", re.S
        ),
        HIDDEN,
    ),
    # https://name:password@host, and https://token@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@\"'<>]+@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-xsrftoken|x-api-key|private-token)"
            r"(\\?[\"']?[ \t]{0,9}[:=,][ \t]{0,9}).*"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|basic|token)[ \t]{1,9}[\w.~+/=-]{16,}"), rf"\1 {HIDDEN}"),
    # After a colon there is mostly prose: of “token: not valid” the words stay.
    (
        re.compile(
            rf"(?i)({_NAMES}\\?[\"']?[ \t]{{0,9}}:[ \t]{{0,9}})"
            r"(?=\S{0,200}\d)(?=\S{8})[^\s&\"'<>;,\\)}\]]+"
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            rf"(?i)({_NAMES}\\?[\"']?[ \t]{{0,9}}[:=][ \t]{{0,9}}\\?([\"']))(?!\2)[^\"'\r\n]+"
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(rf"(?i)({_NAMES}[ \t]{{0,9}}=[ \t]{{0,9}})(?![\"'\\])[^\s&\"'<>;,)}}\]]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{12,}\b"), HIDDEN),
    # The secret half of such a pair: forty characters of every kind.
    (
        re.compile(
            r"(?<![\w/+=.-])(?=[\w/+]{0,39}[a-z])(?=[\w/+]{0,39}[A-Z])(?=[\w/+]{0,39}\d)"
            r"[A-Za-z0-9/+]{40}(?![\w/+=])"
        ),
        HIDDEN,
    ),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abpr]-|hf_|sk-)[\w-]{16,}"), HIDDEN),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), HIDDEN),
)


def _redacted(text: str) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _cut(line: str, width: int) -> str:
    line = line.rstrip()
    return line if len(line) <= width else f"{line[: width - 1]}…"
