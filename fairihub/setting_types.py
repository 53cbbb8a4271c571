"""What the settings are made of: blocks without unknown keys, and addresses."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Block(BaseModel):
    """A part of the settings; a key that is none is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _secure(address: str) -> str:
    """An address whose answers nobody on the way can change."""
    url = urlsplit(address)
    local = url.hostname in ("localhost", "127.0.0.1", "::1")
    if not url.hostname or url.username or not (url.scheme == "https" or (local and url.scheme)):
        raise ValueError("an address is written as https://… without a user name")
    return address.rstrip("/")


Address = Annotated[str, Field(max_length=500), AfterValidator(_secure)]


def public_address(address: str) -> str:
    """The address people use, without a path of its own."""
    if not re.fullmatch(r"https?://[^/\s@?#]+", address.rstrip("/")):
        raise ValueError("write it as https://hub.example.org, without a path")
    return address.rstrip("/")


PublicAddress = Annotated[str, Field(max_length=200), AfterValidator(public_address)]
