"""Sessions: a signed cookie that says who somebody is, and the tokens that bind forms to it.

Nothing of a session is kept on the server but which ones were ended, and that in the state, so that no restart revives
one. A cookie that was changed, is too old, or was given for another password or role opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from obmen.state import Ledger, logouts, tables
from obmen.state.memory import LedgerMemory

IDLE = 12 * 3600.0
"""Seconds without a call after which a session has ended."""
_RENEWED = 300.0
_LENGTH = 32


class Session(msgspec.Struct, frozen=True):
    """``user`` is empty for a visitor; ``fit`` binds it to the user's password and role; ``at`` in Unix seconds."""

    id: str
    user: str = ""
    fit: str = ""
    at: float = 0.0


class Sessions:
    """Makes sessions and reads them back."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._secret = ledger, _secret_of(ledger)

    def new(self, now: float, user: str = "", fit: str = "") -> Session:
        """Return a session that nobody had before."""
        return Session(secrets.token_urlsafe(18), user, fit, now)

    def cookie(self, session: Session) -> str:
        """Return it as the browser keeps it."""
        body = urlsafe_b64encode(msgspec.json.encode(session)).decode()
        return f"{body}.{self._sign('session', body)}"

    def read(self, cookie: str, now: float) -> Session | None:
        """Return the session of a cookie; None if it is none, or has ended."""
        body, _, signature = cookie.rpartition(".")
        if not body or not _same(self._sign("session", body), signature):
            return None
        try:
            session = msgspec.json.decode(urlsafe_b64decode(body), type=Session)
        except (ValueError, msgspec.DecodeError):
            return None
        return None if abs(now - session.at) > IDLE or self._has_ended(session) else session

    def renewed(self, session: Session, now: float) -> Session:
        """Return the session, used now; the same while it was used just before."""
        return session if now - session.at < _RENEWED else msgspec.structs.replace(session, at=now)

    def end(self, session: Session) -> None:
        """Let a session open nothing any more; a visitor's opens nothing anyway."""
        if session.user:
            with self._ledger.write() as tx:
                logouts.note(tx, session.id)

    def fit(self, user: str, password: str, role: str) -> str:
        """Return what a session of this user must hold while password and role are these."""
        return self._sign("fit", f"{len(user)}:{user}{len(password)}:{password}{role}")

    def token(self, session: Session) -> str:
        """Return what a form of this session sends along."""
        return self._sign("form", session.id)

    def is_token(self, session: Session, token: str) -> bool:
        """Whether a form was given to this session."""
        return _same(self.token(session), token)

    def _has_ended(self, session: Session) -> bool:
        if not session.user:
            return False
        with self._ledger.read() as tx:
            return logouts.ended(tx, session.id)

    def _sign(self, what: str, text: str) -> str:
        return hmac.new(self._secret, f"{what}\n{text}".encode(), hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "replace"))


def _secret_of(ledger: Ledger) -> bytes:
    """Return the secret of this state; made once, whichever process comes first."""
    memory = LedgerMemory(ledger, "")
    kept = memory.get(logouts.PAGE_SECRET)
    if kept is None:
        row = ("", logouts.PAGE_SECRET, secrets.token_bytes(_LENGTH))
        with ledger.write() as tx:
            tx.upsert(tables.memory, ("connection", "name", "value"), [row], keep=("value",))
        kept = memory.get(logouts.PAGE_SECRET)
    assert kept is not None  # noqa: S101 - it was kept above
    return kept
