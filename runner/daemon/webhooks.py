"""Webhooks: a system says that something changed, and the flows that read from it run now.

What anybody can send from outside must not be able to do harm. So a call is believed in one thing only, that it is
time to look: nothing of its body becomes a record, however it was forged. Floods end in memory before the state is
touched, a signed call that comes again does nothing, and whoever has no secret learns nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterable, Mapping, Sequence
from threading import Timer
from typing import Annotated

import msgspec
import structlog

from obmen.clock import Clock
from obmen.endpoint import Endpoint, Request, Response
from obmen.entities import ENTITIES
from obmen.errors import Busy, ObmenError, meant
from obmen.project.service import WakeModel
from obmen.state import Ledger, wishes
from obmen.state.text import LONGEST_ID, fault
from obmen.sync.doorbell import Doorbell
from obmen.sync.flow import Flow

PATH = "/wake"
LARGEST_BODY = 64 << 10
MOST_IDS = 1000
TOLERANCE = 300
"""Seconds by which the time of a signed call may be off."""
BURST, PER_SECOND = 60, 5
"""How many calls of one connection are let in at once, and how many more with each second."""
_TOGETHER = 1.0
"""Seconds within which a flow is asked for once, however often it is called for."""
_REMEMBERED = 4096
_READING = 8
"""How many bodies of callers who are not known yet are read at once, so that slow ones never take all threads."""
_PATIENCE = 4.0
"""Seconds for which a call waits for those before it whose ids are being kept."""
_SIGNED = "sha256="
_LOG = structlog.get_logger("obmen.webhooks")
_UNKNOWN = (
    b"Not let in. Send 'Authorization: Bearer <secret>' or 'X-Obmen-Secret', or 'X-Obmen-Signature' with "
    b"an 'X-Obmen-Timestamp' that is at most 5 minutes off."
)


class _Refused(Exception):  # noqa: N818 - named as what becomes of the call
    """A call that is not followed, and what its caller is told."""

    def __init__(self, status: int, said: str | bytes, **headers: str) -> None:
        super().__init__(status)
        body = said.encode() if isinstance(said, str) else said
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.response = Response(status, body, headers=named)


class _Hint(msgspec.Struct):
    """What a body may say: which entity changed, and of which native ids. Anything else in it is not looked at."""

    entity: str | None = None
    ids: Annotated[list[str], msgspec.Meta(max_length=MOST_IDS)] = msgspec.field(default_factory=list)


class Bucket:
    """Lets in so many calls at once and so many with each second. Used under its owner's lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left, self._at = float(BURST), clock.monotonic()

    def take(self) -> bool:
        """Return whether one more is let in."""
        now = self._clock.monotonic()
        self._left = min(BURST, self._left + (now - self._at) * PER_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Waker:
    """Asks for flows through the state: at once, and again at most once a second, at the end of that second.

    So the read that follows always begins after the last call, and a thousand calls cost two writes.
    """

    def __init__(self, ledger: Ledger, who: str) -> None:
        self._ledger, self._who = ledger, who
        self._asked: dict[str, float] = {}
        self._owed: set[str] = set()
        self._timer: Timer | None = None
        self._lock = threading.Lock()
        self._closed = False

    def wake(self, flows: Sequence[str]) -> None:
        """Have flows run soon. Raises StateError or Busy, and then nothing was asked for."""
        now = self._ledger.clock.monotonic()
        with self._lock:
            fresh = [flow for flow in flows if now - self._asked.get(flow, -_TOGETHER) >= _TOGETHER]
            self._asked.update(dict.fromkeys(fresh, now))
            self._owed.update(set(flows) - set(fresh))
            if self._owed:
                self._arm()
        try:
            self._ask(fresh)
        except ObmenError:
            with self._lock:
                for flow in fresh:
                    self._asked.pop(flow, None)
            raise

    def close(self) -> None:
        """Ask for what is still owed."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
        self._settle()

    def _arm(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = Timer(_TOGETHER, self._settle)
            self._timer.daemon = True
            self._timer.start()

    def _settle(self) -> None:
        with self._lock:
            owed, self._owed, self._timer = self._owed, set(), None
            self._asked.update(dict.fromkeys(owed, self._ledger.clock.monotonic()))
        try:
            self._ask(owed)
        except ObmenError as error:
            _LOG.warning("webhook.not_kept", connection=self._who, error=str(error))
            with self._lock:
                self._owed |= owed
                self._arm()

    def _ask(self, flows: Iterable[str]) -> None:
        wanted = sorted(flows)
        if wanted:
            with self._ledger.write() as tx:
                for flow in wanted:
                    wishes.ask(tx, flow, self._who)


class Webhook:
    """Answers at ``/wake`` under a connection's name; any other path is for ``beside``, its connector's own endpoint.

    What it remembers of calls (how many came, which signatures) is lost with the process: the most that a replay
    gains by it is one more look.
    """

    def __init__(
        self,
        ledger: Ledger,
        connection: str,
        settings: WakeModel,
        flows: Sequence[Flow],
        beside: Endpoint | None = None,
    ) -> None:
        self._clock, self.beside, self._connection = ledger.clock, beside, connection
        self._secret = settings.secret.get_secret_value().encode()
        own = [flow for flow in flows if flow.source.name == connection]
        self._flows = {flow.name: flow.entity.entity for flow in own if flow.name in (settings.flows or (flow.name,))}
        self._looked_up = {flow.entity.entity for flow in own if flow.entity.entity in flow.source.lookups}
        self._bell = Doorbell(ledger, connection, flows)
        self._ringing = threading.Lock()
        self._waker = Waker(ledger, connection)
        self._bucket = Bucket(ledger.clock)
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()
        self._reading = threading.BoundedSemaphore(_READING)

    def handle(self, request: Request) -> Response:
        """Answer one call: 200 with the flows that were woken, or why nothing was done."""
        if request.path != PATH:
            return Response(404, b"There is nothing here.") if self.beside is None else self.beside.handle(request)
        try:
            return self._answer(request)
        except _Refused as refused:
            return refused.response
        except OSError:
            return Response(400, b"The body did not arrive whole.")

    def close(self) -> None:
        """Keep what was called for and is not kept yet. The endpoint beside it is closed by whoever made it."""
        self._waker.close()

    def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            raise _Refused(405, "A wake comes by POST.", Allow="POST")
        signature, body = self._let_in(request)
        with self._lock:
            if self._seen.get(signature, 0.0) > self._clock.monotonic():
                return _told([])
            if not self._bucket.take():
                raise _Refused(429, "Too many calls; send many ids in one.", Retry_After="1")
        hint = _hint(body)
        woken = self._wake(hint)
        self._remember(signature)
        _LOG.info("webhook.heard", connection=self._connection, flows=woken, ids=len(hint.ids))
        return _told(woken)

    def _let_in(self, request: Request) -> tuple[str, bytes]:
        """Return the signature, if the call has one, and the body. Raises _Refused for whoever is not known."""
        headers = request.headers
        given = headers.get("x-obmen-secret")
        if given is None and "authorization" in headers:
            scheme, _, given = headers["authorization"].partition(" ")
            given = given.strip() if scheme.lower() == "bearer" else ""
        if given is not None:
            if not _same(given.encode("utf-8", "replace"), self._secret):
                raise _stranger()
            return "", _body(request)
        signature, at = headers.get("x-obmen-signature", ""), headers.get("x-obmen-timestamp", "")
        if not self._timely(at) or not signature.startswith(_SIGNED):
            raise _stranger()
        if not self._reading.acquire(blocking=False):
            raise _Refused(429, "Too many calls at once.", Retry_After="1")
        try:
            body = _body(request)
        finally:
            self._reading.release()
        signed = hmac.new(self._secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not _same(signature.removeprefix(_SIGNED).lower().encode("utf-8", "replace"), signed.encode()):
            raise _stranger()
        return signed, body

    def _timely(self, at: str) -> bool:
        if not (at.isascii() and at.isdecimal() and len(at) <= len("9999999999")):
            return False
        return abs(int(at) - self._clock.now().timestamp()) <= TOLERANCE

    def _remember(self, signature: str) -> None:
        if not signature:
            return
        with self._lock:
            self._seen[signature] = self._clock.monotonic() + 2 * TOLERANCE
            while len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]

    def _wake(self, hint: _Hint) -> list[str]:
        woken = sorted(name for name, entity in self._flows.items() if hint.entity in (None, entity))
        try:
            if woken and hint.entity is not None and hint.ids and hint.entity in self._looked_up:
                self._ring({hint.entity: hint.ids})
            else:
                self._waker.wake(woken)
        except ObmenError as error:
            _LOG.warning("webhook.not_kept", connection=self._connection, error=str(error))
            raise _Refused(503, "Obmen cannot keep it now.", Retry_After="5") from error
        return woken

    def _ring(self, ids: Mapping[str, Sequence[str]]) -> None:
        if not self._ringing.acquire(timeout=_PATIENCE):
            raise Busy(f"The calls of {self._connection} before this one are still being kept.")
        try:
            self._bell.ring(ids)
        finally:
            self._ringing.release()


def _same(given: bytes, known: bytes) -> bool:
    """Compare without telling by time how alike or how long they are."""
    return hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(known).digest())


def _stranger() -> _Refused:
    return _Refused(401, _UNKNOWN, WWW_Authenticate="Bearer", Connection="close")


def _body(request: Request) -> bytes:
    body = request.body.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise _Refused(413, "The body is larger than 64 kB.", Connection="close")
    return body


def _hint(body: bytes) -> _Hint:
    if not body.strip():
        return _Hint()
    try:
        hint = msgspec.json.decode(body, type=_Hint)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = f'The body is empty, or JSON such as {{"entity": "order", "ids": ["1"]}}, at most {MOST_IDS} ids.'
        raise _Refused(400, said) from error
    if hint.entity is not None and hint.entity not in ENTITIES:
        raise _Refused(400, f"There is no such entity.{meant(hint.entity, ENTITIES)}")
    if hint.ids and hint.entity is None:
        raise _Refused(400, "Ids need an 'entity'.")
    for place, one in enumerate(hint.ids):
        if why := fault(one, LONGEST_ID) or ("" if one else "it is empty"):
            raise _Refused(400, f"The id number {place + 1} cannot be kept: {why}.")
    return hint


def _told(flows: list[str]) -> Response:
    return Response(200, msgspec.json.encode({"flows": flows}), "application/json")
