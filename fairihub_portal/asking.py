"""What somebody who is not let in can send to whoever keeps the team files."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import yaml

from fairihub_core.people import Provider


def member_lines(login: str, number: str | None = None, provider: Provider = "links") -> str:
    """The entry of `allowedLogins` that lets `login` in, as YAML.

    Only GitHub's number has a key in a team file. Everything that YAML would take for something
    else than a text (`0123`, `on`) is quoted.
    """
    entry: dict[str, Any] = {"userName": login}
    if provider == "github" and number is not None and number.isdecimal():
        entry["githubId"] = int(number)
    entry["role"] = "user"
    return yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=1000)


def mail_address(contact: str) -> str | None:
    """The address in `contact`, if that is all it says."""
    name, at, host = contact.partition("@")
    whole = bool(name and at and host) and not set(contact) & set(" \t\r\n<>\"'?&/:,;")
    return contact if whole else None


def mail_link(address: str, subject: str, body: str) -> str:
    """A `mailto:` link with both filled in; lines end as mail wants them."""
    text = quote(body.replace("\n", "\r\n"), safe="")
    return f"mailto:{quote(address, safe='@')}?subject={quote(subject, safe='')}&body={text}"
