"""Which account a connection's calls are counted for, told by a digest that gives no credential away.

It is kept where budgets are shared, so a database that is read by a stranger must not help to guess a password.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from obmen.http.transport import Transport

_COST = {"n": 1 << 12, "r": 8, "p": 1, "dklen": 16}
"""Of one guess: about ten milliseconds and four MiB."""


def account_of(transport: Transport, secrets: Iterable[str]) -> str:
    """Return the same for the same address with the same credentials, in whatever project or process."""
    parts = [*sorted(secrets), *transport.secrets, *(f"{name}: {value}" for name, value in transport.headers.items())]
    return _digest("\0".join(sorted(set(parts))), transport.base_url)


@lru_cache(maxsize=256)
def _digest(credentials: str, address: str) -> str:
    return hashlib.scrypt(credentials.encode(), salt=address.encode() or b"-", **_COST).hex()
