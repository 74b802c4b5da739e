"""Traces, if they are wanted: where to, and whether what they need is installed.

Wanted by nobody, they cost nothing: OpenTelemetry is an extra, and is not even looked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from obmen import spans
from obmen.errors import ConfigurationError
from obmen.project import Project
from obmen.project.service import OFF, collector

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTER, DISABLED = "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"
"""The variables of OpenTelemetry by which traces are asked for; all others it reads by itself."""
_PATH = "/v1/traces"
_SPOKEN = ("", "http/protobuf")
_SENT_BY = ("", "otlp", "otlp_proto_http")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody wants traces. ``endpoint``: where to, None where the environment says it; ``by``: who wants them."""

    endpoint: str | None
    by: str


def wanted(project: Project, environment: Mapping[str, str]) -> Wanted | None:
    """Return what the project asks for, else the environment; None if nobody does.

    Raises ConfigurationError for what cannot be given.
    """
    asked = project.service.tracing
    exporter = _told(environment, EXPORTER).lower()
    if asked == OFF or _told(environment, DISABLED).lower() == "true" or exporter == "none":
        return None
    named = next((name for name in ENDPOINTS if _told(environment, name)), EXPORTER if exporter else "")
    if not asked and not named:
        return None
    if exporter not in _SENT_BY:
        raise ConfigurationError(f"{EXPORTER} is '{exporter}', but traces go to a collector: otlp, or none for none.")
    for name in PROTOCOLS:
        if _told(environment, name).lower() not in _SPOKEN:
            message = f"{name} is '{_told(environment, name)}', but traces are sent by http/protobuf alone."
            raise ConfigurationError(f"{message} Collectors take it at port 4318.")
    if asked:
        return Wanted(asked if asked.endswith(_PATH) else asked.rstrip("/") + _PATH, "service: { tracing: … }")
    if named in ENDPOINTS:
        try:
            collector(_told(environment, named))
        except ValueError as error:
            raise ConfigurationError(f"{named} cannot be used: {error}.") from None
    return Wanted(None, named)


@contextmanager
def following(project: Project, redact: Callable[[str], str]) -> Iterator[None]:
    """Have the work of this process traced until the block ends, if that is wanted. ``redact`` masks what errors say.

    Raises ConfigurationError if it is wanted and cannot be.
    """
    asked = wanted(project, os.environ)
    if asked is None:
        yield
        return
    try:
        from runner.observe.otel import Sender, Tracer  # noqa: PLC0415 - its library is an extra
    except ModuleNotFoundError as error:
        message = f"Traces, which {asked.by} asks for, need {error.name}, which is not installed: "
        raise ConfigurationError(f"{message}pip install 'obmen[otel]'. To have none: {DISABLED}=true.") from error
    tracer = Tracer(Sender(asked.endpoint), redact)
    spans.follow(tracer)
    try:
        yield
    finally:
        spans.follow(None)
        tracer.close()


def _told(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip()
