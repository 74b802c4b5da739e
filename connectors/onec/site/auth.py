"""Who may exchange: login and password by HTTP Basic, in either encoding of 1C, and no quick guessing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
from collections import OrderedDict

from connectors.onec.site.answers import Failure
from obmen.clock import Clock

FREE_TRIES = 5
LONGEST_WAIT = 300.0
_CLIENTS = 4096
_DENIED = "Неверный логин или пароль. Проверьте их в настройке обмена с сайтом в 1С и в проекте Obmen (exchange:)."


class Guard:
    """Compares credentials in constant time, and makes who guesses wrong wait ever longer.

    A caller that has to wait is turned away before its password is looked at, so waiting cannot be saved.
    """

    def __init__(self, login: str, password: str, clock: Clock) -> None:
        pair = f"{login}:{password}"
        self._known = [_digest(pair.encode(encoding, "replace")) for encoding in ("utf-8", "cp1251")]
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def admit(self, authorization: str, client: str) -> None:
        """Let the caller in, or raise Failure."""
        now = self._clock.monotonic()
        with self._lock:
            tries, until = self._wrong.get(client, (0, 0.0))
        if now < until:
            message = f"Слишком много неверных паролей с этого адреса. Повторите через {int(until - now) + 1} с."
            raise Failure(message)
        if not self._is_known(authorization):
            self._note(client, tries + 1, now)
            raise Failure(_DENIED)
        with self._lock:
            self._wrong.pop(client, None)

    def _is_known(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            pair = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        given = _digest(pair)
        matches = [hmac.compare_digest(given, known) for known in self._known]
        return scheme.casefold() == "basic" and any(matches)

    def _note(self, client: str, tries: int, now: float) -> None:
        wait = min(LONGEST_WAIT, 2.0 ** (tries - FREE_TRIES)) if tries >= FREE_TRIES else 0.0
        with self._lock:
            self._wrong[client] = (tries, now + wait)
            self._wrong.move_to_end(client)
            while len(self._wrong) > _CLIENTS:
                self._wrong.popitem(last=False)


def _digest(pair: bytes) -> bytes:
    return hashlib.sha256(pair).digest()
