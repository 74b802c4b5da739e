"""The session: time-outs always, repeats only where a repeat does no harm, budgets, and a redacted log.

A blind repeat of a write whose answer was lost is how orders get doubled; so a call says whether it is
``safe`` to repeat, and one that is not ends in ``InDoubt`` for the engine to look into.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec
import requests
import structlog
import tenacity

from obmen.clock import Clock, SystemClock
from obmen.errors import Denied, InDoubt, ObmenError, Refused, Unavailable
from obmen.http.budget import EVERY_CALL, Budgets
from obmen.http.redact import Redactor
from obmen.http.reply import Reply, encode_json
from obmen.http.transport import Transport

_LOG = structlog.get_logger("obmen.http")
_NEVER_SENT = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.SSLError,
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)
_WHOLE = msgspec.json.Decoder(msgspec.Raw)
_SHOWN = 300
_CLIENT_ERROR = 400
_ERROR_ENDS = 600
Expect = Literal["json", "xml", "any"]


class _Repeat(Exception):  # noqa: N818 - a signal between two lines of this file
    """The call may be repeated after so many seconds; ``error`` is what it means if it is not."""

    def __init__(self, error: ObmenError, after: float | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


class Http:
    """A connection's session with its peer."""

    def __init__(self, connection: str, transport: Transport, *, clock: Clock | None = None) -> None:
        self.connection = connection
        self.transport = transport
        self.clock = clock or SystemClock()
        self.redact = Redactor(transport.secrets)
        self.budgets = Budgets(transport.budgets, self.clock)
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "obmen", **transport.headers})
        environment = self._session.merge_environment_settings(transport.base_url, {}, False, None, None)
        self._session.proxies.update(environment["proxies"])
        self._session.trust_env = False
        if environment["verify"] not in (None, True):
            self._session.verify = environment["verify"]
        self._session.auth = transport.auth

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
        safe: bool = False,
        expect: Expect = "json",
        timeout: tuple[float, float] | None = None,
    ) -> Reply:
        """Call the peer and return its answer of status 2xx.

        Raises Refused (this call, never as it is), Denied (the key), Unavailable (no effect, later),
        InDoubt (not ``safe``, and the answer was lost).
        """
        body = encode_json(json) if json is not None else data
        sent = dict(headers or {})
        if json is not None:
            sent.setdefault("Content-Type", "application/json")
        call = _Call(method, path, body, params, sent, group, safe, expect, timeout or self.transport.timeout)
        habits = self.transport.retry
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Repeat),
            stop=tenacity.stop_after_attempt(habits.attempts),
            wait=self._delay,
            sleep=self.clock.sleep,
            reraise=True,
        )
        started = self.clock.monotonic()
        try:
            return retrying(self._once, call, started)
        except _Repeat as signal:
            raise signal.error from signal.__cause__

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _delay(self, state: tenacity.RetryCallState) -> float:
        habits = self.transport.retry
        signal = state.outcome.exception() if state.outcome else None
        if isinstance(signal, _Repeat) and signal.after is not None:
            return signal.after
        jittered = tenacity.wait_random_exponential(multiplier=habits.first_delay, max=habits.longest_delay)
        return habits.first_delay / 2 + jittered(state)

    def _once(self, call: _Call, started: float) -> Reply:
        self.budgets.take(call.group)
        request_id = uuid.uuid4().hex[:12]
        what = f"{self.connection}: {call.method} {call.path} [{request_id}]"
        began = self.clock.monotonic()
        try:
            response = self._session.request(
                call.method,
                self.transport.base_url + call.path,
                params=call.params,
                data=call.body,
                headers={**call.headers, "X-Request-Id": request_id},
                timeout=call.timeout,
                allow_redirects=call.method == "GET",
            )
        except requests.RequestException as error:
            raise self._lost(error, what, call, started) from error
        reply = Reply(
            response.status_code, response.headers, response.content, what=what, request_id=request_id
        )
        _LOG.debug(
            "http.call",
            connection=self.connection,
            method=call.method,
            path=self.redact(call.path),
            status=reply.status,
            seconds=round(self.clock.monotonic() - began, 3),
            request_id=request_id,
        )
        self._judge(reply, call, started)
        return reply

    def _lost(
        self, error: requests.RequestException, what: str, call: _Call, started: float
    ) -> ObmenError | _Repeat:
        reason = self.redact(type(error).__name__)
        if isinstance(error, _NEVER_SENT) or _refused_connection(error):
            trouble: ObmenError = Unavailable(f"{what}: the peer cannot be reached ({reason}).")
            return self._repeat(trouble, None, started)
        if call.safe:
            return self._repeat(Unavailable(f"{what}: the answer was lost ({reason})."), None, started)
        return InDoubt(f"{what}: the answer was lost ({reason}), so its effect is unknown.")

    def _judge(self, reply: Reply, call: _Call, started: float) -> None:
        explained = self.transport.explain(reply) if self.transport.explain else None
        habits = self.transport.retry
        shown = self.redact(reply.content[:_SHOWN].decode("utf-8", "replace")).strip()
        message = f"{reply.what}: status {reply.status}: {shown}"
        after = self._after(reply)
        if reply.status in habits.rejected or isinstance(explained, Unavailable):
            if after is not None:
                self.budgets.block(call.group, after)
            raise self._repeat(explained or Unavailable(message, after=after), after, started)
        if reply.status in habits.broken:
            if explained is not None:
                raise explained
            if call.safe or after is not None:
                raise self._repeat(Unavailable(message, after=after), after, started)
            raise InDoubt(message)
        if explained is not None:
            raise explained
        if reply.status in {401, 403}:
            raise Denied(f"{message} Check the connection's credentials and rights.")
        if _CLIENT_ERROR <= reply.status < _ERROR_ENDS:
            raise Refused(message, code=str(reply.status))
        if call.expect != "any" and not _is(call.expect, reply):
            if call.safe:
                raise self._repeat(Unavailable(f"{message} (expected {call.expect})"), None, started)
            raise InDoubt(f"{message} (expected {call.expect})")

    def _repeat(self, error: ObmenError, after: float | None, started: float) -> ObmenError | _Repeat:
        left = self.transport.retry.patience - (self.clock.monotonic() - started)
        if after is not None and after > left:
            return error
        return _Repeat(error, after) if left > 0 else error

    def _after(self, reply: Reply) -> float | None:
        for name, unit in self.transport.retry.after_headers.items():
            value = reply.headers.get(name)
            if value is None:
                continue
            try:
                return max(float(value) * unit, 0.0)
            except ValueError:
                pass
            try:
                moment = parsedate_to_datetime(value)
            except ValueError:
                continue
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return max((moment - self._now(reply)).total_seconds(), 0.0)
        return None

    def _now(self, reply: Reply) -> datetime:
        """The peer's own clock where it tells it: its date is meant by that clock, not by ours."""
        told = reply.headers.get("Date")
        try:
            moment = parsedate_to_datetime(told) if told else None
        except ValueError:
            moment = None
        return moment if moment is not None and moment.tzinfo is not None else self.clock.now()


class _Call:
    __slots__ = ("body", "expect", "group", "headers", "method", "params", "path", "safe", "timeout")

    def __init__(
        self,
        method: str,
        path: str,
        body: bytes | None,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
        group: str,
        safe: bool,
        expect: Expect,
        timeout: tuple[float, float],
    ) -> None:
        self.method, self.path, self.body, self.params, self.headers = method, path, body, params, headers
        self.group, self.safe, self.expect, self.timeout = group, safe, expect, timeout


def _refused_connection(error: requests.RequestException) -> bool:
    text = repr(error)
    return "NewConnectionError" in text or "NameResolutionError" in text or "Connection refused" in text


def _is(expect: Expect, reply: Reply) -> bool:
    start = reply.content.lstrip()[:1]
    if expect == "json":
        if start not in (b"{", b"["):
            return False
        try:
            _WHOLE.decode(reply.content)
        except msgspec.DecodeError:
            return False
        return True
    kind = reply.headers.get("Content-Type", "")
    return start == b"<" and "html" not in kind
