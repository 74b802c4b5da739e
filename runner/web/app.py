"""The web application: every call goes through one gate, where it is decided who may do what.

A handler is a plain function that is given a ``Call`` and returns what to show. Whether the host's name, the person,
the role and the form's token are right is decided before it is called, so that no page can forget to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl

import anyio.to_thread
import structlog
from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.datastructures import URL, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from obmen.errors import StateError
from obmen.project.service import Role
from runner.web import access, headers, look, words
from runner.web.attempts import Attempts
from runner.web.call import Answer, Away, Call, Lost, Mistake, Shown, link
from runner.web.jobs import Jobs
from runner.web.routes import ROUTES
from runner.web.sessions import Sessions
from runner.web.view import View

THREADS = 8
LARGEST_FORM = 1 << 16
_FIELDS = 50
_LANGUAGE = "obmen_language"
_YEAR = 365 * 86400
_LOG = structlog.get_logger("obmen.page")


@dataclass(frozen=True)
class Site:
    """What all calls of one application share."""

    view: View
    sessions: Sessions
    attempts: Attempts
    jobs: Jobs
    redactors: look.Redactors


def application(view: View, besides: Sequence[Route] = ()) -> Starlette:
    """Return the page over a view. ``state.jobs`` of it is what works in the background; stop it in the end.

    ``besides``: what is answered at the same address, without a login, such as whether the service is well.
    """
    clock = view.ledger.clock
    site = Site(view, Sessions(view.ledger), Attempts(clock), Jobs(clock), look.Redactors())
    limiter = CapacityLimiter(THREADS)
    routes: list[BaseRoute] = [Mount("/static", _Static(directory=Path(__file__).parent / "static"))]
    for path, method, handler, needs in ROUTES:
        gate = Gate(site, handler, needs, limiter)
        routes.append(Route(path, gate.answer, methods=[method]))
    lost = Gate(site, _lost, "anybody", limiter)
    made = Starlette(routes=[*besides, *routes, Route("/{rest:path}", lost.answer, methods=["GET", "POST"])])
    made.state.jobs = site.jobs
    made.add_middleware(_Protected, view=view)
    return made


class _Static(StaticFiles):
    """The stylesheet and the script, the same for everybody."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


class _Protected:
    """Refuses calls under another host's name, and puts the protecting headers on every answer."""

    def __init__(self, app: ASGIApp, view: View) -> None:
        self._app, self._view = app, view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                headers.protect(answered, kept=scope["path"].startswith("/static/"))
            await send(message)

        host = Request(scope).headers.get("host", "")
        app: ASGIApp = self._app
        if not access.known_host(self._view.project.service.page, host):
            text = "This page is not known by that name. Put the name into 'service.page.hosts' of the project."
            app = Response(text, 421, media_type="text/plain")
        await app(scope, receive, protected)


class Gate:
    """What a call passes before its handler: ``needs`` is a role, or ``anybody``."""

    def __init__(
        self, site: Site, handler: Callable[[Call], Answer], needs: Role | Literal["anybody"], limiter: CapacityLimiter
    ) -> None:
        self._site, self._handler, self._needs, self._limiter = site, handler, needs, limiter

    async def answer(self, request: Request) -> Response:
        """Answer one call; the work is done on a thread."""
        form = await _form(request) if request.method == "POST" else {}
        if form is None:
            return Response("The form is too large or cannot be read.", 413, media_type="text/plain")
        return await anyio.to_thread.run_sync(partial(self._answer, request, form), limiter=self._limiter)

    def _answer(self, request: Request, form: Mapping[str, str]) -> Response:
        try:
            call = self._call(request, form)
            return self._respond(request, call, self._decide(request, call))
        except StateError as error:
            _LOG.warning("page.state", error=str(error))
            return Response("The state cannot be read at the moment; the log says why.", 503, media_type="text/plain")
        except Exception:
            _LOG.exception("page.failed", path=request.scope.get("route") and request.scope["route"].path)
            return Response("Obmen failed; its log says where.", 500, media_type="text/plain")

    def _call(self, request: Request, form: Mapping[str, str]) -> Call:
        site, project = self._site, self._site.view.project
        ledger = site.view.ledger
        now = ledger.clock.now().timestamp()
        kept = request.cookies.get(cookie_name(secure=project.service.page.secure), "")
        session = (site.sessions.read(kept, now) if kept else None) or site.sessions.new(now)
        address = request.client.host if request.client is not None else ""
        known = {name.lower(): value for name, value in request.headers.items()}
        language = words.chosen(request.cookies.get(_LANGUAGE, ""), known.get("accept-language", ""))
        return Call(
            project=project,
            ledger=ledger,
            pulse=site.view.pulse(),
            person=access.person(project.service.page, site.sessions, session, address, known),
            session=session,
            sessions=site.sessions,
            attempts=site.attempts,
            jobs=site.jobs,
            words=words.Words(language, project.service.timezone, now),
            redact=site.redactors.of(project),
            address=access.caller(address, known),
            path=request.path_params,
            query=dict(request.query_params),
            form=form,
        )

    def _decide(self, request: Request, call: Call) -> Answer:
        if self._needs != "anybody":
            if call.person is None:
                return _stranger(request, call)
            if not call.person.may(self._needs):
                return Shown("message.html", {"message": "refused.role"}, 403)
        if request.method == "POST" and not call.sessions.is_token(call.session, call.form.get("token", "")):
            return Shown("message.html", {"message": "refused.token"}, 403)
        try:
            return self._handler(call)
        except Lost:
            return _lost(call)
        except Mistake as mistake:
            return Shown("message.html", {"message": mistake.message}, 400)

    def _respond(self, request: Request, call: Call, answer: Answer) -> Response:
        response: Response
        session = call.session
        if isinstance(answer, Away):
            response = RedirectResponse(answer.to, 303)
            session = answer.session or session
            if answer.language:
                _keep(response, _LANGUAGE, answer.language, call, _YEAR)
        else:
            part = request.query_params.get("part") == "live"
            url = request.url if request.method != "POST" else URL("/")
            response = HTMLResponse(look.page(call, answer, url, part=part), answer.status)
            if answer.retry:
                response.headers["Retry-After"] = f"{answer.retry:.0f}"
            if part:
                return response  # what refreshes itself keeps no session alive
        name = cookie_name(secure=call.project.service.page.secure)
        cookie = call.sessions.cookie(call.sessions.renewed(session, call.now))
        if cookie != request.cookies.get(name):
            _keep(response, name, cookie, call)
        return response


def cookie_name(*, secure: bool) -> str:
    """Return the name of the session's cookie; with https one that no other host can set."""
    return "__Host-obmen" if secure else "obmen_session"


def _keep(response: Response, name: str, value: str, call: Call, seconds: int | None = None) -> None:
    secure = call.project.service.page.secure
    response.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")


def _stranger(request: Request, call: Call) -> Answer:
    """Answer somebody unknown: to the login where there is one, else with words."""
    page = call.project.service.page
    if page.users:
        back = request.url.path if request.method == "GET" else "/"
        return Away(link("/login", to="" if back == "/" else back))
    return Shown("message.html", {"message": "refused.proxy" if page.proxy else "refused.nobody"}, 403)


def _lost(_call: Call) -> Answer:
    return Shown("message.html", {"message": "lost"}, 404)


async def _form(request: Request) -> dict[str, str] | None:
    """Return a form's fields; None for one that is larger than any of ours."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_FORM:
                return None
        pairs: Sequence[tuple[str, str]] = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
    except (ValueError, ClientDisconnect):
        return None
    return dict(pairs)
