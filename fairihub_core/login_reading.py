"""From `allowedLogins` to Members: whoever is not surely named does not get in."""

from __future__ import annotations

import re
from datetime import date

from fairihub_core.customer_format import LOGIN_KEYS
from fairihub_core.logins import LOGIN, login_of
from fairihub_core.notes import Notes
from fairihub_core.teams import ALL_RIGHTS, Member, Right, Role
from fairihub_core.yaml_tree import Mapping, Node, Scalar, Sequence

_NOT_TEXT = re.compile(
    r"[0-9][0-9_]*|0[xo][0-9a-f]+|[0-9.]+e[0-9]+|on|off|yes|no|y|n|true|false", re.IGNORECASE
)


def read_logins(nodes: list[Node], places: tuple[Mapping, ...], notes: Notes) -> tuple[Member, ...]:
    """Members in the order of the file; `places` is searched for keys that lost their indent."""
    entries = [entry for node in nodes for entry in _entries(node, notes)]
    rescued = _rescued(entries, places, notes)
    found: dict[str, Member] = {}
    for entry in rescued:
        member = _member(entry, notes)
        if member is None:
            continue
        if member.login in found and found[member.login] != member:
            notes.error(
                entry, "duplicate-login", f"“{member.login}” stands twice, with other rights."
            )
        elif member.login in found:
            notes.warning(entry, "duplicate-login", f"“{member.login}” stands twice.")
        found[member.login] = member
        notes.mark(member.login, entry)
    if not found:
        at = nodes[0] if nodes else None
        notes.warning(at, "no-logins", "allowedLogins names nobody: nobody gets in.")
    return tuple(found.values())


def _entries(node: Node, notes: Notes) -> list[Mapping]:
    if isinstance(node, Mapping):
        notes.warning(node, "no-list", "allowedLogins should be a list.", "one entry")
        return [node]
    if not isinstance(node, Sequence):
        notes.error(node, "bad-structure", "allowedLogins must be a list of entries.")
        return []
    for item in node.items:
        if not isinstance(item, Mapping):
            notes.error(item, "bad-login", "Write each login as `- userName: name`.")
    return [item for item in node.items if isinstance(item, Mapping)]


def _rescued(entries: list[Mapping], places: tuple[Mapping, ...], notes: Notes) -> list[Mapping]:
    """With the keys of a single entry that lost their indentation put back into it."""
    if len(entries) > 1 or any(e.get("userName") for e in entries):
        return entries
    loose = [
        (key, value)
        for place in places
        for key, value in place.pairs
        if key.text in LOGIN_KEYS and key.text != "creationTimestamp"
    ]
    if not any(key.text == "userName" for key, _ in loose):
        return entries
    where, login = next((key, value) for key, value in loose if key.text == "userName")
    own = entries[0].pairs if entries else ()
    if len({key.text for key, _ in loose}) != len(loose) or not isinstance(login, Scalar):
        notes.error(where, "ambiguous", "The keys of allowedLogins lost their indentation.")
        return entries
    said = "“userName” belongs under allowedLogins."
    notes.warning(where, "unindented", said, f"login {login.text[:80]}")
    return [Mapping((*own, *loose), where.line, where.column)]


def _member(entry: Mapping, notes: Notes) -> Member | None:
    for key in entry.duplicates():
        notes.error(key, "duplicate-key", f"“{key.text[:60]}” stands twice in one login.")
    for key, _ in entry.pairs:
        if key.text not in LOGIN_KEYS:
            hint = notes.nearest(key.text, LOGIN_KEYS)
            notes.warning(key, "unknown-key", f"Unknown key “{key.text[:60]}” in a login.{hint}")
    login = _login(entry, notes)
    if login is None:
        return None
    return Member(
        login=login,
        role=_role(entry.get("role"), notes),
        rights=_rights(entry.get("rights"), notes),
        expires=_expires(entry.get("expirationDate"), notes),
        github_id=_github_id(entry.get("githubId"), notes),
    )


def _login(entry: Mapping, notes: Notes) -> str | None:
    node = entry.get("userName")
    if not isinstance(node, Scalar) or not node.text.strip():
        notes.warning(entry, "no-login", "An entry of allowedLogins has no userName; ignored.")
        return None
    login = login_of(node.text)
    if not LOGIN.fullmatch(login):
        notes.warning(node, "bad-login", f"“{login[:80]!a}” cannot be a login; ignored.")
        return None
    if node.plain and _NOT_TEXT.fullmatch(login):
        notes.warning(
            node, "unquoted-login", f"“{node.text}” is no text to YAML; put it in quotes.", login
        )
    return login


def _role(node: Node | None, notes: Notes) -> Role:
    text = node.text.strip().lower() if isinstance(node, Scalar) else ""
    if text in ("admin", "user"):
        return "admin" if text == "admin" else "user"
    if node is not None:
        notes.warning(node, "bad-role", f"The role “{text[:40]}” is unknown.", "role: user")
    return "user"


def _rights(node: Node | None, notes: Notes) -> frozenset[Right]:
    if node is None:
        return frozenset()
    words = (
        [i.text for i in node.items if isinstance(i, Scalar)]
        if isinstance(node, Sequence)
        else re.split(r"[,;+ ]+", node.text)
        if isinstance(node, Scalar)
        else ["?"]
    )
    known = frozenset(right for right in ALL_RIGHTS if right in words)
    for word in words:
        if word and word not in ALL_RIGHTS:
            hint = notes.nearest(word, ALL_RIGHTS)
            notes.warning(node, "bad-right", f"The right “{word[:40]}” is unknown; ignored.{hint}")
    return known


def _expires(node: Node | None, notes: Notes) -> date | None:
    return None if node is None else read_date(node, notes)


def read_date(node: Node, notes: Notes) -> date | None:
    """The day that `node` names; an error, since access depends on it, if it names none."""
    text = node.text if isinstance(node, Scalar) else ""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}(?:[T ][0-9:.+Zz-]*)?", text):
            return date.fromisoformat(text[:10])
    except ValueError:
        pass
    notes.error(node, "bad-date", f"“{text[:60]}” is no date; write it as 2027-12-31.")
    return None


def _github_id(node: Node | None, notes: Notes) -> int | None:
    if node is None:
        return None
    text = node.text if isinstance(node, Scalar) else ""
    if re.fullmatch(r"[1-9]\d{0,18}", text):
        return int(text)
    notes.error(node, "bad-github-id", f"“{text[:40]}” is no GitHub id; it is a whole number.")
    return None
