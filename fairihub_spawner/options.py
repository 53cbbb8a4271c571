"""From what a form or a request asks for to the offer that a server is started with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from fairihub_core.access import require_access
from fairihub_core.errors import BadInput
from fairihub_core.offers import Offer, chosen, offers_for
from fairihub_core.teams import TeamDirectory

MAX_NAME = 200
_NAMES_SHOWN = 5


def choice(
    options: Mapping[str, Any], login: str, directory: TeamDirectory, today: date
) -> tuple[Offer, dict[str, str]]:
    """The offer that `options` name, and the options to remember for it.

    Asked at every start with the directory of that moment: options that were saved when
    `login` was still in the team prove nothing.

    Raises:
        BadInput: `unknown-option`, `bad-option`: asks for what nobody may choose.
        Refused: no team lets `login` in, or none offers what was asked for.
    """
    requested = requested_profile(options)
    require_access(login, directory, today)
    offer = chosen(requested, offers_for(login, directory, today))
    return offer, {"profile": offer.name}


def requested_profile(options: Mapping[str, Any]) -> str | None:
    """The profile that `options` ask for; None means the default.

    Raises:
        BadInput: there is another option than the profile, or it is no name.
    """
    others = sorted(str(key)[:40] for key in options if key != "profile")
    if others:
        more = "" if len(others) <= _NAMES_SHOWN else f" and {len(others) - _NAMES_SHOWN} more"
        named = ", ".join(f"“{name}”" for name in others[:_NAMES_SHOWN])
        raise BadInput(
            "unknown-option",
            f"{named}{more} cannot be chosen at start. Name a “profile” and nothing else: "
            "image, size, volumes and environment come with it.",
            options=f"{named}{more}",
        )
    profile = options.get("profile")
    if profile is None or (isinstance(profile, str) and 0 < len(profile) <= MAX_NAME):
        return profile
    raise BadInput(
        "bad-option",
        "“profile” must be the name of one profile, such as “small” or “team.small”, "
        f"in at most {MAX_NAME} characters.",
    )


def options_from_form(form: Mapping[str, list[Any]]) -> dict[str, Any]:
    """What a submitted form asks for, in the shape that a request by REST has.

    A field sent twice stays a list, and the form's own token is no option.
    """
    return {
        key: values[0] if len(values) == 1 else list(values)
        for key, values in form.items()
        if key != "_xsrf"
    }


def wants_a_click(headers: Mapping[str, str]) -> bool:
    """Whether a link that would start a server was followed from another site.

    Browsers that do not say where a link was are taken at their referrer; one that says
    neither has to click, too.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    host = headers.get("Host")
    referrer = headers.get("Referer", "")
    return not host or referrer.partition("://")[2].partition("/")[0] != host
