"""Passwords, hashed by argon2. How long an answer takes tells nobody whether a user exists."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST = 1024
"""Characters of a password at most."""
_AT_ONCE = 2
_hasher = PasswordHasher()
_turns = threading.BoundedSemaphore(_AT_ONCE)
_nobody = _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    return _hasher.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed; for a user who is not there (None), never, in the same time."""
    if len(password) > LONGEST:
        return False
    with _turns:  # each takes as much memory as the hash asks for
        try:
            _hasher.verify(kept or _nobody, password)
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None
