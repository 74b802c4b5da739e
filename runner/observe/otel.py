"""Traces by OpenTelemetry, sent to a collector by OTLP over HTTP.

They are told to nobody's harm: gathered in memory within bounds, sent by a thread of their own, and let go of where the
collector does not take them. Its library is an extra, so nothing else may import this module.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, Self

import requests
import structlog
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from obmen.errors import ObmenError
from obmen.spans import Fact, Span

_LOG = structlog.get_logger("obmen.tracing")
FLUSH_WITHIN = 3.0
"""Seconds that a stop waits at most for what is still to be sent."""
_POLL = 0.01
_REFUSED = 400
_UNNAMED = "unknown_service"


class Road(requests.Session):
    """The way to the collector; knows whether the last call got through, and says it once in the log."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = threading.Event()

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Call, and note what came of it."""
        try:
            answer = super().request(*args, **kwargs)
        except Exception as error:
            self._failed(type(error).__name__)
            raise
        if answer.status_code >= _REFUSED:
            self._failed(f"status {answer.status_code}")
        elif self.broken.is_set():
            self.broken.clear()
            _LOG.info("traces.sent_again")
        return answer

    def _failed(self, reason: str) -> None:
        if not self.broken.is_set():
            self.broken.set()
            _LOG.warning("traces.unsent", reason=reason, hint="traces are lost until the collector takes them again")


class Sender(BatchSpanProcessor):
    """Sends in the background what has ended. ``endpoint``: None where the environment says it."""

    def __init__(self, endpoint: str | None) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the road tells of a collector that is gone
        self._road = Road()
        self._exporter = OTLPSpanExporter(endpoint, session=self._road)
        super().__init__(self._exporter)

    def shutdown(self) -> None:
        """Send what is left, while the collector takes it and for a while only; then let go of the rest."""
        ending = threading.Thread(target=super().shutdown, name="last traces", daemon=True)
        lost = self._road.broken.is_set()
        ending.start()
        until = time.monotonic() + FLUSH_WITHIN
        while ending.is_alive() and not (lost or self._road.broken.is_set()) and time.monotonic() < until:
            ending.join(_POLL)
        if ending.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the library lacks the type
        self._road.close()


class Tracer:
    """Follows the work of this process; see ``obmen.spans.Follower``. ``redact`` masks what errors say."""

    def __init__(self, processor: SpanProcessor, redact: Callable[[str], str]) -> None:
        self.redact = redact
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("obmen")
        self.open: set[_Followed] = set()

    def __call__(self, name: str, facts: Mapping[str, Fact], parent: Span | None, *, call: bool) -> Span:
        """Begin a span."""
        above = parent if isinstance(parent, _Followed) else contexts.get_value(_FOLLOWED)
        above = above if isinstance(above, _Followed) else None
        made = self._tracer.start_span(
            name,
            above.within if above is not None else contexts.Context(),
            kind=trace.SpanKind.CLIENT if call else trace.SpanKind.INTERNAL,
            attributes=dict(facts),
            record_exception=False,
            set_status_on_exception=False,
        )
        return _Followed(self, made, above, "error.type" in facts)

    def close(self) -> None:
        """End what is still under way, and send what is not sent yet."""
        for span in list(self.open):
            span.end()
        self._provider.shutdown()


_FOLLOWED = contexts.create_key("obmen")


class _Followed:
    """One span. See ``obmen.spans.Span``."""

    def __init__(self, tracer: Tracer, span: trace.Span, above: _Followed | None, named: bool) -> None:
        self._tracer, self._span, self._above, self._named = tracer, span, above, named
        self.within = contexts.set_value(_FOLLOWED, self, trace.set_span_in_context(span, contexts.Context()))
        self._used = self._failed = False
        self._tokens: tuple[Any, Mapping[str, Any]] | None = None
        tracer.open.add(self)

    def __enter__(self) -> Self:
        ids = self._span.get_span_context()
        logged = structlog.contextvars.bind_contextvars(
            trace_id=trace.format_trace_id(ids.trace_id), span_id=trace.format_span_id(ids.span_id)
        )
        self._tokens = contexts.attach(self.within), logged
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Note what went wrong, and end."""
        if self._tokens is not None:
            token, logged = self._tokens
            contexts.detach(token)
            structlog.contextvars.reset_contextvars(**logged)
        if error is not None:
            self.failed(error)
        self.end()

    def note(self, facts: Mapping[str, Fact]) -> None:
        """Set attributes."""
        self._named = self._named or "error.type" in facts
        self._span.set_attributes(dict(facts))

    def failed(self, error: BaseException) -> None:
        """Set the status; only Obmen's own errors have words that may be read by anybody, and they are masked again."""
        if self._failed:
            return
        self._failed = True
        words = self._tracer.redact(str(error)) if isinstance(error, ObmenError) else None
        self._span.set_status(trace.StatusCode.ERROR, words)
        if not self._named:
            self._span.set_attribute("error.type", type(error).__name__)

    def end(self) -> None:
        """End it, once."""
        if self in self._tracer.open:
            self._tracer.open.discard(self)
            self._span.end()
            if self._above is not None:
                self._above._used = True  # noqa: SLF001 - of its own kind

    def forget(self) -> None:
        """End it if anything was done within it; otherwise it is never sent."""
        if self._used:
            self.end()
        self._tracer.open.discard(self)


def _resource() -> Resource:
    """Return whose traces they are; what the environment says of it comes first."""
    told = Resource.create()
    try:
        version = metadata.version("obmen")
    except metadata.PackageNotFoundError:
        version = "0"
    process = f"{socket.gethostname()}:{os.getpid()}"
    own = Resource({SERVICE_NAME: "obmen", "service.version": version, "service.instance.id": process})
    if str(told.attributes[SERVICE_NAME]).startswith(_UNNAMED):
        told = Resource({name: value for name, value in told.attributes.items() if name != SERVICE_NAME})
    return own.merge(told)
