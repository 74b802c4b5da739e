"""The session: time-outs always, repeats only where a repeat does no harm, budgets, and a redacted log.

A blind repeat of a write whose answer was lost is how orders get doubled; so a call says whether it is
``safe`` to repeat, and one that is not ends in ``InDoubt`` for the engine to look into.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import structlog
import tenacity
import urllib3

from obmen import spans
from obmen.clock import Clock, SystemClock
from obmen.errors import (
    ConfigurationError,
    Denied,
    IncompleteSource,
    InDoubt,
    ObmenError,
    Refused,
    Unavailable,
)
from obmen.http import pause
from obmen.http.budget import EVERY_CALL, Budgets
from obmen.http.heard import HttpListener
from obmen.http.redact import Redactor
from obmen.http.reply import Expect, Reply, encode_json
from obmen.http.transport import Transport
from obmen.http.wire import Wire, credentials, innermost, opened, read_body

_LOG = structlog.get_logger("obmen.http")
_SHOWN = 300  # characters of an error's body
_WHOLE_ANSWER = 10  # an answer may take this many read time-outs in all
_HOPS = 5
_MOVED = {301, 302, 303, 307, 308}
_SEE_OTHER = {302, 303}  # what a form's page answers after it took the form
_WHO_ARE_YOU = {401, 403, 407}
_CLIENT_ERROR = 400
_SERVER_ERROR = 500


class _Repeat(Exception):  # noqa: N818 - a signal between two functions of this file
    """The call may be repeated, not before ``after`` seconds; ``error`` is what it means if it is not."""

    def __init__(self, error: ObmenError, after: float | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


@dataclass(slots=True)
class _Call:
    """One call of a connector, however often it is tried. ``deadline`` is on the monotonic clock."""

    method: str
    path: str
    body: bytes | None
    params: Mapping[str, str] | None
    headers: dict[str, str]
    group: str
    safe: bool
    expect: Expect
    timeout: tuple[float, float]
    id: str
    what: str
    deadline: float
    weight: int = 1
    attempt: int = 0


class Http:
    """A connection's session with its peer. ``secrets`` are masked besides those that the transport names.

    ``listener``: set by whoever hosts it, to be told of every call.
    """

    def __init__(
        self,
        connection: str,
        transport: Transport,
        *,
        clock: Clock | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        self.connection = connection
        self.transport = transport
        self.clock = clock or SystemClock()
        self.redact = Redactor([*secrets, *transport.secrets, *credentials(transport)])
        self.budgets = Budgets(transport.budgets, self.clock, connection=connection)
        self.listener: HttpListener | None = None
        self._wire = Wire()
        self._session = opened(connection, transport, self._wire)

    def get(self, path: str, **kwargs: Any) -> Reply:
        """Read: always safe to repeat."""
        return self.request("GET", path, **{"safe": True, **kwargs})

    def post(self, path: str, **kwargs: Any) -> Reply:
        """Send; say ``safe=True`` where saying it twice does no harm (a read by POST, an absolute write)."""
        return self.request("POST", path, **kwargs)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        group: str = EVERY_CALL,
        weight: int = 1,
        safe: bool = False,
        expect: Expect = "json",
        timeout: tuple[float, float] | None = None,
    ) -> Reply:
        """Call the peer and return its answer of status 2xx.

        ``weight``: how many places of its group's budget the call takes.

        Raises Refused (this call, never as it is), Denied (the key), Unavailable (no effect, later), InDoubt
        (not ``safe``, and the effect is unknown), ConfigurationError (the address or a header cannot be
        used, or the peer sends us elsewhere; no effect).
        """
        sent = {**({"Content-Type": "application/json"} if json is not None else {}), **(headers or {})}
        id_ = uuid.uuid4().hex[:12]
        call = _Call(
            method=method,
            path=path,
            body=encode_json(json) if json is not None else data,
            params=params,
            headers={**sent, "X-Request-Id": id_},
            group=group,
            safe=safe,
            expect=expect,
            timeout=timeout or self.transport.timeout,
            id=id_,
            what=f"{self.connection}: {method} {self.redact(path.partition('?')[0])} [{id_}]",
            deadline=self.clock.monotonic() + self.transport.retry.patience,
            weight=weight,
        )
        return self._repeatedly(call)

    @contextmanager
    def guarded(self, guard: Callable[[], None]) -> Iterator[None]:
        """Have ``guard`` called just before a call leaves; what it raises keeps the call from being made."""
        before, self._wire.guard = self._wire.guard, guard
        try:
            yield
        finally:
            self._wire.guard = before

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _repeatedly(self, call: _Call) -> Reply:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Repeat),
            stop=lambda state: self._enough(call, state),
            wait=self._delay,
            before_sleep=lambda state: self._log_repeat(call, state),
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, call)
        except _Repeat as signal:
            given_up = signal.error
        raise given_up

    def _enough(self, call: _Call, state: tenacity.RetryCallState) -> bool:
        over = self.clock.monotonic() + state.upcoming_sleep > call.deadline
        return over or state.attempt_number >= self.transport.retry.attempts

    def _delay(self, state: tenacity.RetryCallState) -> float:
        """Longer each time, and never shorter than the peer asks for."""
        habits = self.transport.retry
        signal = state.outcome.exception() if state.outcome else None
        after = signal.after if isinstance(signal, _Repeat) else None
        return max(after or 0.0, pause.growing(state.attempt_number, habits.first_delay, habits.longest_delay))

    def _once(self, call: _Call) -> Reply:
        waited = self.budgets.take(call.group, self.transport.retry.patience, weight=call.weight)
        call.deadline += waited
        call.attempt += 1
        with spans.begin(call.method, self._facts(call, waited) if spans.followed() else None, call=True) as span:
            try:
                return self._tried(call, waited, span)
            except _Repeat as signal:
                span.failed(signal.error)
                raise

    def _tried(self, call: _Call, waited: float, span: spans.Span) -> Reply:
        began = self.clock.monotonic()
        answer = self._exchange(call)
        seconds = round(self.clock.monotonic() - began, 3)
        if self.listener is not None:
            status = None if isinstance(answer, Exception) else answer.status
            self.listener.called(self.connection, seconds, waited, status)
        if isinstance(answer, Exception):
            _LOG.debug("http.lost", **self._about(call), seconds=seconds, reason=str(answer))
            raise answer
        _LOG.debug("http.call", **self._about(call), seconds=seconds, status=answer.status, waited=waited)
        span.note({"http.response.status_code": answer.status})
        if answer.status >= _CLIENT_ERROR:
            span.note({"error.type": str(answer.status)})
        self._count(answer, call)
        self._judge(answer, call)
        return answer

    def _count(self, reply: Reply, call: _Call) -> None:
        """Learn from an answer what is left of the budget."""
        if _CLIENT_ERROR <= reply.status < _SERVER_ERROR:
            self.budgets.charge(call.group, self.transport.refusal_weight - 1)
        told = self.transport.remaining
        if told is not None and reply.headers.get(told.left, "").strip() == "0":
            wait = pause.asked(reply.headers, {told.reset: 1.0}, self.clock.now())
            if wait is not None:
                self.budgets.block(call.group, wait)

    def _exchange(self, call: _Call) -> Reply | Exception:
        """Return the answer, or the error that its absence means.

        The error is returned, not raised here: raised below, it has no context, and the texts of requests'
        own exceptions, which quote addresses and headers, are seen nowhere.
        """
        url = self.transport.base_url + call.path
        params = call.params
        for _ in range(_HOPS):
            try:
                response = self._session.request(
                    call.method,
                    url,
                    params=params,
                    data=call.body,
                    headers=call.headers,
                    timeout=call.timeout,
                    allow_redirects=False,
                    stream=True,
                )
                content = read_body(
                    response,
                    most=self.transport.largest_answer,
                    seconds=_WHOLE_ANSWER * call.timeout[1],
                    now=self.clock.monotonic,
                )
            except IncompleteSource as error:
                return self._too_much(call, str(error))
            except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
                return self._lost(call, error)
            target = response.headers.get("Location")
            if response.status_code not in _MOVED or target is None:
                return Reply(response.status_code, response.headers, content, what=call.what, request_id=call.id)
            moved = urljoin(response.url, target)
            if call.method != "GET" or _origin(moved) != _origin(response.url):
                return self._sent_elsewhere(call, response.status_code, moved)
            url, params = moved, None
        return ConfigurationError(f"{call.what}: the peer redirects without end. Check the connection's address.")

    def _lost(self, call: _Call, error: Exception) -> Exception:
        reason = self.redact(innermost(error))
        if not self._wire.sent and isinstance(error, ValueError):
            return ConfigurationError(
                f"{call.what}: the address or a header cannot be used ({type(error).__name__}). Check the "
                "connection's address, and its secrets for line breaks and foreign letters."
            )
        if not self._wire.sent:
            message = f"{call.what}: the peer cannot be reached, and nothing was sent ({reason})."
            return _Repeat(Unavailable(f"{message} Check the connection's address and the network."), None)
        return self._unknown(call, f"{call.what}: the answer was lost ({reason})", None)

    def _too_much(self, call: _Call, reason: str) -> Exception:
        message = f"{call.what}: {reason}"
        if call.safe:
            return Refused(f"{message}. Ask for less at once.", code="too_large")
        return InDoubt(f"{message}, so its effect is unknown.")

    def _unknown(self, call: _Call, message: str, after: float | None) -> Exception:
        """What it means that a call may or may not have had its effect."""
        if call.safe:
            return _Repeat(Unavailable(f"{message}.", after=after), after)
        return InDoubt(f"{message}, so its effect is unknown.")

    def _sent_elsewhere(self, call: _Call, status: int, moved: str) -> Exception:
        """Nobody follows a redirect to another host: the credentials would go along."""
        place = "{0.scheme}://{0.netloc}".format(urlsplit(moved))
        message = self.redact(f"{call.what}: status {status}: the peer sends us to {place}")
        if status in _SEE_OTHER and not call.safe:
            return InDoubt(f"{message} after a write, so its effect is unknown.")
        return ConfigurationError(f"{message}, where no credentials are taken. Mend the connection's address.")

    def _judge(self, reply: Reply, call: _Call) -> None:
        """Return if the answer is good; otherwise raise what it means."""
        habits = self.transport.retry
        explained = self._explained(reply)
        rejected = reply.status in habits.rejected or isinstance(explained, Unavailable)
        broken = reply.status in habits.broken or isinstance(explained, InDoubt)
        if not (rejected or broken or explained or reply.status >= _CLIENT_ERROR):
            if not reply.holds(call.expect):
                raise self._unknown(call, f"{self._told(reply)} (not whole, or no {call.expect})", None)
            return
        after = self._asked(reply, explained)
        if after is not None and (rejected or broken):
            self.budgets.block(call.group, after)
        if isinstance(explained, Unavailable) or (rejected and explained is None):
            message = str(explained or self._told(reply))
            raise _Repeat(Unavailable(message, after=after), after)
        if explained is not None and not isinstance(explained, InDoubt):
            raise explained
        if broken:
            raise self._unknown(call, str(explained or self._told(reply)).rstrip("."), after)
        if reply.status in _WHO_ARE_YOU:
            raise Denied(f"{self._told(reply)} Check the connection's credentials and rights.")
        raise Refused(self._told(reply), code=str(reply.status))

    def _told(self, reply: Reply) -> str:
        return f"{reply.what}: status {reply.status}: {self.redact.body(reply.content, _SHOWN)}"

    def _asked(self, reply: Reply, explained: ObmenError | None) -> float | None:
        waits = [
            pause.asked(reply.headers, self.transport.retry.after_headers, self.clock.now()),
            explained.after if isinstance(explained, Unavailable) else None,
        ]
        return max((wait for wait in waits if wait is not None), default=None)

    def _explained(self, reply: Reply) -> ObmenError | None:
        """Ask the connector, and mask its words too."""
        if self.transport.explain is None:
            return None
        try:
            explained = self.transport.explain(reply)
        except IncompleteSource:  # it looked for the vendor's words in an answer that holds none
            return None
        if explained is not None:
            explained.args = (self.redact(str(explained)),)
        return explained

    def _about(self, call: _Call) -> dict[str, Any]:
        return {
            "connection": self.connection,
            "method": call.method,
            "path": self.redact(call.path.partition("?")[0]),
            "request_id": call.id,
            "attempt": call.attempt,
        }

    def _facts(self, call: _Call, waited: float) -> dict[str, spans.Fact]:
        """Return what is told of a call to who follows, in the words of OpenTelemetry's conventions for HTTP."""
        facts: dict[str, spans.Fact] = {
            "http.request.method": call.method,
            "obmen.connection": self.connection,
            "obmen.request_id": call.id,
        }
        with suppress(ValueError):  # an address that cannot be read; the call itself will say so
            url = urlsplit(self.transport.base_url + call.path)
            facts |= {"url.path": self.redact(url.path), "server.address": url.hostname or ""}
            facts["server.port"] = url.port or (80 if url.scheme == "http" else 443)
        if call.attempt > 1:
            facts["http.request.resend_count"] = call.attempt - 1
        if waited:
            facts["obmen.budget.waited"] = round(waited, 3)
        return facts

    def _log_repeat(self, call: _Call, state: tenacity.RetryCallState) -> None:
        signal = state.outcome.exception() if state.outcome else None
        _LOG.warning("http.repeat", **self._about(call), delay=round(state.upcoming_sleep, 3), reason=str(signal))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
