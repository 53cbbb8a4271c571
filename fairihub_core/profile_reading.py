"""From `profile_<slug>` in a team file, a string of pairs or a mapping, to a Profile."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fairihub_core.cluster_names import OUR_SECRETS, is_image, is_team_secret
from fairihub_core.customer_format import PROFILE_KEYS, PROFILE_PREFIX, Key
from fairihub_core.notes import Notes
from fairihub_core.quantities import bytes_of, cores_of
from fairihub_core.teams import Profile
from fairihub_core.units import human_bytes
from fairihub_core.yaml_tree import BREAK, Mapping, Node, Scalar, Sequence

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_NUMBERS = ("bytes", "cores", "hours", "count")
_PAIRS = (("mem_guarantee", "mem_limit"), ("cpu_guarantee", "cpu_limit"))
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class _Written:
    """A value as written, with `BREAK` at each line break in it, and where it begins."""

    profile: str
    text: str
    line: int
    column: int


def read_profile(key: Scalar, value: Node, notes: Notes) -> Profile | None:
    """The profile that `key` and `value` describe; None, with an error noted, if none."""
    slug = key.text[len(PROFILE_PREFIX) :]
    if not _SLUG.fullmatch(slug):
        notes.error(
            key, "bad-profile-name", f"“{key.text}”: use lower case letters, digits and hyphens."
        )
        return None
    written = _written(key, value, notes)
    if written is None:
        return None
    numbers = {name: at for name, at in written.items() if PROFILE_KEYS[name].kind in _NUMBERS}
    fields = _numbers(numbers, notes)
    for name in written.keys() - numbers.keys():
        _text_value(PROFILE_KEYS[name], written[name], notes, fields)
    fields.setdefault("display_name", slug)
    _check_limits(key, fields, notes)
    _check_names(written, fields, notes)
    return Profile(slug=slug, **fields)


def _written(key: Scalar, value: Node, notes: Notes) -> dict[str, _Written] | None:
    """What is written for each known key."""
    if isinstance(value, Mapping):
        pairs = [(k.text, _Written(key.text, _joined(v), k.line, k.column)) for k, v in value.pairs]
    elif isinstance(value, Scalar) and value.text.strip():
        pairs = _split(key.text, value)
    else:
        notes.error(key, "bad-profile", f"“{key.text}” says nothing; write `key=value` pairs.")
        return None
    found: dict[str, _Written] = {}
    for name, at in pairs:
        if name not in PROFILE_KEYS:
            hint = notes.nearest(name, PROFILE_KEYS)
            notes.warning(at, "unknown-key", f"“{key.text}”: unknown key “{name[:60]}”.{hint}")
        elif name in found:
            notes.error(at, "duplicate-key", f"“{key.text}”: “{name}” stands twice.")
        else:
            found[name] = at
    return found


def _joined(value: Node) -> str:
    if isinstance(value, Sequence):
        return ";".join(i.text for i in value.items if isinstance(i, Scalar))
    return (value.broken or value.text) if isinstance(value, Scalar) else ""


def _split(profile: str, value: Scalar) -> list[tuple[str, _Written]]:
    """The `key=value` pairs; what has no `=` goes on with the value before it."""
    pairs: list[tuple[str, _Written]] = []
    line = value.line
    for piece in (value.broken or value.text).split(","):
        name, equals, text = piece.partition("=")
        if equals and re.fullmatch(rf"[\w{BREAK} ]+", name):
            pairs.append((_bare(name), _Written(profile, text, line, value.column)))
        elif pairs:
            before = pairs[-1][1]
            pairs[-1] = (pairs[-1][0], replace(before, text=f"{before.text},{piece}"))
        elif piece.strip():
            pairs.append((_bare(piece), _Written(profile, "", line, value.column)))
        line += piece.count(BREAK)
    return pairs


def _bare(name: str) -> str:
    return name.replace(BREAK, "").strip()


def _numbers(written: dict[str, _Written], notes: Notes) -> dict[str, Any]:
    """Sizes and counts; one that was broken apart is joined only if another one bears it out."""
    fields: dict[str, Any] = {}
    broken = {n for n, at in written.items() if re.search(rf"\d[{BREAK} ]+[\d.]", at.text)}
    for name in written.keys() - broken:
        fields[name] = _number(PROFILE_KEYS[name], written[name], notes)
    for name in sorted(broken):
        at = written[name]
        whole = re.sub(rf"[{BREAK} ]+", "", at.text)
        fields[name] = _parse(PROFILE_KEYS[name])(whole)
        shown = re.sub(rf"[{BREAK} ]+", " ", at.text)
        if fields[name] is None or not _borne_out(name, fields):
            said = (
                f"“{at.profile}”: {name} reads “{shown}”. Is it {whole}? Write it without a break."
            )
            notes.error(at, "broken-number", said)
        else:
            said = f"“{at.profile}”: {name} is broken apart: “{shown}”."
            notes.warning(at, "broken-number", said, f"{name}={whole}")
    return {name: value for name, value in fields.items() if value is not None}


def _borne_out(name: str, fields: dict[str, Any]) -> bool:
    for guarantee, limit in _PAIRS:
        if name in (guarantee, limit):
            low, high = fields.get(guarantee), fields.get(limit)
            return low is not None and high is not None and low <= high
    return False


def _number(key: Key, at: _Written, notes: Notes) -> int | float | None:
    text = at.text.replace(BREAK, "").strip()
    value = _parse(key)(text)
    if value is None:
        notes.error(at, "bad-size", f"“{at.profile}”: {key.name} cannot be “{text[:60]}”.")
    return value


def _parse(key: Key) -> Callable[[str], int | float | None]:
    if key.kind == "bytes":
        return bytes_of
    if key.kind == "cores":
        return cores_of
    if key.kind == "hours":
        return lambda text: float(text) if re.fullmatch(r"\d{1,4}(\.\d{1,2})?", text) else None
    return lambda text: int(text) if re.fullmatch(r"\d{1,4}", text) else None


def _text_value(key: Key, at: _Written, notes: Notes, fields: dict[str, Any]) -> None:
    raw = at.text.strip(f" {BREAK}")
    text = re.sub(rf"-[ ]?{BREAK}", "-", raw) if key.kind == "text" else raw.replace(BREAK, "")
    text = text.replace(BREAK, " ").strip()
    if BREAK in raw:
        shown = raw.replace(BREAK, " ")
        said = f"“{at.profile}”: {key.name} is broken apart: “{shown[:80]}”."
        notes.warning(at, "broken-text", said, f"{key.name}={text}")
    if key.kind == "flag":
        if text.lower() in _FLAGS:
            fields[key.name] = _FLAGS[text.lower()]
        else:
            notes.error(at, "bad-value", f"“{at.profile}”: {key.name} is true or false.")
    elif key.kind == "names":
        fields[key.name] = _names(key, text, at, notes)
    elif key.kind == "name" and not _NAME.fullmatch(text):
        notes.error(at, "bad-value", f"“{at.profile}”: {key.name} cannot be “{text[:60]}”.")
    elif not text.isprintable() or len(text) > 1000:
        notes.error(
            at, "bad-value", f"“{at.profile}”: {key.name} has odd characters or is too long."
        )
    elif text:
        fields[key.name] = text


def _names(key: Key, text: str, at: _Written, notes: Notes) -> tuple[str, ...]:
    names = tuple(n for n in (part.strip() for part in re.split(r"[;+]", text)) if n)
    for name in names:
        if not _NAME.fullmatch(name):
            notes.error(at, "bad-value", f"“{at.profile}”: {key.name} cannot hold “{name[:60]}”.")
    return names


def _check_limits(key: Scalar, fields: dict[str, Any], notes: Notes) -> None:
    for guarantee, limit in _PAIRS:
        low, high = fields.get(guarantee), fields.get(limit)
        if low is not None and high is not None and low > high:
            shown = _bytes_shown(low, high) if guarantee.startswith("mem_") else "{:g}".format
            notes.error(
                key,
                "limit-below-guarantee",
                f"“{key.text}”: {limit} ({shown(high)}) is below {guarantee} ({shown(low)}).",
            )
        if high == 0:
            notes.error(key, "bad-size", f"“{key.text}”: {limit} is 0; nothing could run.")


def _bytes_shown(low: int, high: int) -> Callable[[int], str]:
    """How bytes are told apart by whoever reads: rounded ones may look the same."""
    return human_bytes if human_bytes(low) != human_bytes(high) else "{:,} bytes".format


def _check_names(written: dict[str, _Written], fields: dict[str, Any], notes: Notes) -> None:
    """What no cluster can take; elsewhere a server may start with it, so the team stays."""
    image = fields.get("image")
    if image is not None and not is_image(image):
        said = f"“{image[:80]}” is no name of an image; on Kubernetes this profile never starts."
        notes.warning(written["image"], "bad-image-name", said)
    for name in fields.get("secret_names", ()):
        if not is_team_secret(name):
            why = f"begins with “{OUR_SECRETS}”, as only the hub's own do"
            if not name.startswith(OUR_SECRETS):
                why = "has characters that no Secret's name has"
            said = f"“{name[:80]}” {why}; on Kubernetes this profile never starts."
            notes.warning(written["secret_names"], "bad-secret-name", said)
