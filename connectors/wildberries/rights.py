"""What a token of Wildberries says of itself: its end, its type and its categories.

A token is a signed JSON that anybody may read, so an expired one, or one without the category that a flow needs,
is told by ``check`` instead of by the first refused call at night. The meaning of the bits is the vendor's page on
authorization; the specification does not repeat it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec

BITS = {
    "content": 1,
    "analytics": 2,
    "prices": 3,
    "marketplace": 4,
    "statistics": 5,
    "supplies": 10,
    "returns": 11,
    "documents": 12,
    "finance": 13,
}
"""Category → bit of ``s`` that opens it."""

_READ_ONLY = 30
BASIC, TEST, PERSONAL, SERVICE = 1, 2, 3, 4


class _Claims(msgspec.Struct):
    exp: Annotated[int, msgspec.Meta(gt=0)]
    s: int = 0
    acc: int = 0
    t: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is one of BASIC, TEST, PERSONAL, SERVICE, or 0 where an older token does not say."""

    expires: datetime
    categories: frozenset[str]
    kind: int
    read_only: bool


def read_token(text: str) -> Token | None:
    """Return what a token says, None for what is none."""
    parts = text.removeprefix("Bearer ").strip().split(".")
    try:
        _, body, _ = parts
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Claims)
        expires = datetime.fromtimestamp(claims.exp, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return Token(
        expires=expires,
        categories=frozenset(name for name, bit in BITS.items() if claims.s >> bit & 1),
        kind=TEST if claims.t else claims.acc,
        read_only=bool(claims.s >> _READ_ONLY & 1),
    )
