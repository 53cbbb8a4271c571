"""The settings of who looks after the hub: by login, and better by the number of an account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from fairihub.setting_types import Block
from fairihub_core.teams import Member

Login = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@+-]{0,63}$")]


class OperatorSetting(Block):
    """One operator; the keys are those of a team file, where a login is one too."""

    userName: Login = Field(description="The login, in lower case.")
    githubId: Annotated[int, Field(strict=True, ge=1, lt=10**19)] | None = Field(
        None,
        description="The number of the account at GitHub: no other account is this operator.",
    )


def _written_out(given: Any) -> Any:
    return {"userName": given} if isinstance(given, str) else given


def _each_once(operators: tuple[OperatorSetting, ...]) -> tuple[OperatorSetting, ...]:
    logins = [operator.userName for operator in operators]
    twice = next((login for login in logins if logins.count(login) > 1), None)
    if twice is not None:
        raise ValueError(f"“{twice}” stands twice")
    return operators


Operators = Annotated[
    tuple[Annotated[OperatorSetting, BeforeValidator(_written_out)], ...],
    Field(max_length=100),
    AfterValidator(_each_once),
]


def members_of(operators: Iterable[OperatorSetting]) -> tuple[Member, ...]:
    """The operators as the core knows whoever is listed."""
    return tuple(Member(login=o.userName, github_id=o.githubId) for o in operators)
