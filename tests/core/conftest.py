"""Team files in a few words, for the tests of what is read from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from textwrap import indent

import pytest

from fairihub_core.customer import Reading, read_customer

TODAY = date(2026, 6, 1)

TEAM = """\
apiVersion: hub.eox.at/v1alpha1
kind: Customer
metadata:
  name: uc4
spec:
  k8s-namespace: uc4
  inventory:
  - expirationDate: "2030-12-31"
  activations:
  - data:
{data}
    allowedLogins:
{logins}
"""
DATA = 'profile_small: "display_name=Small,mem_guarantee=1Gi,mem_limit=2Gi"'
LOGINS = "- userName: ada\n  role: admin\n- userName: grace"


@pytest.fixture
def team_file() -> Callable[..., str]:
    """The text of a team file with the given data and logins."""

    def text(data: str = DATA, logins: str = LOGINS) -> str:
        return TEAM.format(data=indent(data, "      "), logins=indent(logins, "    "))

    return text


@pytest.fixture
def read(team_file: Callable[..., str]) -> Callable[..., Reading]:
    """A team file with the given data and logins, read on the first of June 2026."""

    def reader(text: str | None = None, **parts: str) -> Reading:
        return read_customer(text if text is not None else team_file(**parts), "uc4.yaml", TODAY)

    return reader


@pytest.fixture
def published() -> Path:
    """The files that D4.1 publishes."""
    return Path(__file__).parent.parent / "data"
