"""``/metrics``, ``/healthz`` and ``/readyz`` of one worker: a target of its own for whoever watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runner.observe.meter import Meter
from runner.observe.metrics import CONTENT_TYPE
from runner.worker.vitals import Vitals

_OK, _SICK = 200, 503


def application(vitals: Vitals, meter: Meter) -> Starlette:
    """Return what answers for a worker. Nobody is asked for it: it tells what the worker knows by itself."""

    def numbers(_request: Request) -> Response:
        text = generate_latest(vitals.registry) + generate_latest(meter.registry)
        return Response(text, media_type=CONTENT_TYPE)

    def healthz(_request: Request) -> Response:
        return _answer(vitals.health())

    def readyz(_request: Request) -> Response:
        return _answer(vitals.readiness())

    return Starlette(routes=[Route("/metrics", numbers), Route("/healthz", healthz), Route("/readyz", readyz)])


def _answer(found: Mapping[str, Any]) -> Response:
    return JSONResponse(dict(found), _OK if found["ok"] else _SICK, headers={"Cache-Control": "no-store"})
