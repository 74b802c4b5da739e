"""How long to wait before a record is tried again: longer each time, and not in step with other flows."""

from __future__ import annotations

import hashlib

_FIRST = 2.0
_LONGEST = 3600.0


def delay(attempt: int, seed: str) -> float:
    """Return seconds before the next attempt: 2, 4, 8 … up to an hour, each less up to a quarter.

    The jitter comes from ``seed``, such as a flow and its target: records that failed together are tried
    together again, in one call, and those of different flows are not.
    """
    mixed = hashlib.blake2b(f"{seed}:{attempt}".encode(), digest_size=2).digest()
    jitter = int.from_bytes(mixed, "big") / 0xFFFF / 4
    full: float = min(_FIRST * 2 ** min(max(attempt - 1, 0), 20), _LONGEST)
    return full * (1 - jitter)
