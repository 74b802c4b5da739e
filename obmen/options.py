"""Kinds of options that many connections have, each refused early where it could not work or would harm.

Prevents that a key travels readable by everybody on the way, and that a table of names has no way back.
"""

from __future__ import annotations

from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
Value = TypeVar("Value", int, str)


def _protected(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError("the credentials would travel unprotected: the address must begin with https://")
    return url.rstrip("/")


def _one_to_one(pairs: dict[str, Value]) -> dict[str, Value]:
    names: dict[Value, str] = {}
    for name, value in pairs.items():
        if value in names:
            raise ValueError(f"'{names[value]}' and '{name}' are both {value}; each needs its own")
        names[value] = name
    return pairs


ProtectedUrl = Annotated[str, AfterValidator(_protected)]
"""An address, without a slash at its end, that is encrypted or on this machine."""
Paired = Annotated[dict[str, Value], AfterValidator(_one_to_one)]
"""Our names → theirs, readable both ways: ``Paired[int]``."""
