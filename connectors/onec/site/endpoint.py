"""The address to which 1C's «Обмен с сайтом» is pointed: Obmen plays the site.

1C calls, one step after the other: checkauth, init, file, import for what it sends; query and success for the
orders that it fetches. Source of the steps: the exchange protocol of 1C with sites, as the module ОбменССайтом
of 1C:Управление торговлей 11 speaks it, and what the module of 1C-Битрикс adds (deactivate, complete, info).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from connectors.onec.site.answers import Answers, Failure
from connectors.onec.site.auth import Guard
from connectors.onec.site.database import HOME, Database
from connectors.onec.site.documents import STATUSES
from connectors.onec.site.importer import Importer
from connectors.onec.site.names import safe_name
from connectors.onec.site.options import SiteOptions
from connectors.onec.site.orders import SiteOrders
from connectors.onec.site.pictures import FILES, picture_file
from connectors.onec.site.sessions import COOKIE, Session, Sessions
from connectors.onec.site.steps import OnStep, ignore
from connectors.onec.site.uploads import Limits
from obmen.clock import Clock
from obmen.endpoint import Request, Response

PATIENCE = 15.0
"""Seconds for which a call waits for an import; 1C asks again at once, and gives up a call after 180."""
_STALE = 86400.0
_DRAINED = 1 << 20
_TYPES = ("catalog", "sale")
_GREETING = "Это адрес обмена с 1С: введите его в настройке обмена с сайтом."
_LOST = "Соединение оборвалось. Повторите обмен."


class SiteEndpoint:
    """Answers 1C for one connection; what it takes goes into the exchange folder."""

    def __init__(
        self,
        folder: Path,
        options: SiteOptions,
        clock: Clock,
        *,
        patience: float = PATIENCE,
        on_step: OnStep = ignore,
    ) -> None:
        self._folder, self._options, self._clock = folder, options, clock
        self._patience, self._on_step = patience, on_step
        self._answers = Answers(options.encoding)
        self._guard = Guard(options.login, options.password.get_secret_value(), clock)
        incoming = folder / HOME / "incoming"
        _remove_stale(incoming)
        limits = Limits(options.file_limit, options.push_limit)
        self._sessions = Sessions(incoming, limits, clock)
        self._importer = Importer(folder, Database(folder), on_step)
        self._importer.generations.prepare()
        self._orders = SiteOrders(folder, options, clock)

    def handle(self, request: Request) -> Response:
        """Answer one call. A refusal is a text that 1C writes into its log; its status is 200, or 1C hides it."""
        try:
            return self._picture(request) if request.path.startswith(FILES) else self._exchange(request)
        except Failure as failure:
            _drain(request.body)
            return self._answers.failure(str(failure))
        except OSError as error:
            return self._answers.failure(f"{_LOST} ({error.strerror or error})")

    def close(self) -> None:
        """Stop importing, and forget the exchanges that are under way."""
        self._importer.close()
        self._sessions.close()

    def _exchange(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return Response(405, headers={"Allow": "GET, POST"})
        kind, mode = request.query.get("type", "catalog"), request.query.get("mode", "")
        if kind not in _TYPES:
            message = f"Вид обмена «{kind[:40]}» не поддерживается: только каталог (catalog) и заказы (sale)."
            raise Failure(message)
        if mode == "checkauth":
            return self._checkauth(request)
        answer = self._modes(kind).get(mode)
        if answer is None:
            raise Failure(f"Команда mode={mode[:40]} для type={kind} не поддерживается." if mode else _GREETING)
        with self._sessions.using(request.headers.get("cookie", "")) as session:
            return answer(session, request)

    def _modes(self, kind: str) -> dict[str, Callable[[Session, Request], Response]]:
        common: dict[str, Callable[[Session, Request], Response]] = {
            "init": self._init,
            "file": self._file,
            "import": self._import,
            "complete": self._complete,
        }
        if kind == "catalog":
            return {**common, "deactivate": self._deactivate}
        return {**common, "query": self._query, "success": self._success, "info": self._info}

    def _checkauth(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        if not authorization:
            return self._answers.challenge("Не переданы логин и пароль. Укажите их в настройке обмена с сайтом в 1С.")
        self._guard.admit(authorization, request.client)
        return self._answers.lines("success", COOKIE, self._sessions.open().token)

    def _init(self, session: Session, _request: Request) -> Response:
        self._sessions.renew(session)
        return self._answers.lines(
            f"zip={'yes' if self._options.zip else 'no'}", f"file_limit={self._options.file_limit}"
        )

    def _file(self, session: Session, request: Request) -> Response:
        name = safe_name(request.query.get("filename", ""))
        length = request.headers.get("content-length", "")
        session.uploads.receive(name, request.body, int(length) if length.isdecimal() else None)
        self._on_step("file.received")
        return self._answers.success()

    def _import(self, session: Session, request: Request) -> Response:
        kind = request.query.get("type", "catalog")
        job = self._importer.begin(session, kind, safe_name(request.query.get("filename", "")))
        if not job.done.wait(self._patience):
            return self._answers.progress(f"Проверено записей: {job.seen}")
        if job.failure is not None:
            raise Failure(job.failure)
        return self._answers.success()

    def _deactivate(self, session: Session, request: Request) -> Response:
        since = request.query.get("timestamp", "")
        self._importer.generations.all_of(session.name, float(since) if since.isdecimal() else None)
        return self._answers.success()

    def _complete(self, _session: Session, _request: Request) -> Response:
        return self._answers.success()

    def _query(self, session: Session, _request: Request) -> Response:
        text, session.given = self._orders.give()
        self._on_step("query.given")
        return self._answers.xml(text)

    def _success(self, session: Session, _request: Request) -> Response:
        if session.given is None:
            message = "Заказы в этом сеансе не запрашивались (mode=query), подтверждать нечего."
            raise Failure(message)
        self._orders.confirm(session.given)
        self._on_step("success.kept")
        return self._answers.success()

    def _info(self, _session: Session, _request: Request) -> Response:
        """Tell the statuses that orders may have, for 1C's settings; their tag begins with a Latin C, as known."""
        root = etree.Element("Справочник")
        statuses = etree.SubElement(root, "Cтатусы")
        for code, name in STATUSES.items():
            entry = etree.SubElement(statuses, "Элемент")
            etree.SubElement(entry, "Ид").text = code
            etree.SubElement(entry, "Название").text = name
        for empty in ("ПлатежныеСистемы", "СлужбыДоставки"):
            etree.SubElement(root, empty).text = ""
        return self._answers.xml(etree.tostring(root, encoding=self._options.encoding, xml_declaration=True))

    def _picture(self, request: Request) -> Response:
        found = None
        if self._options.public_url is not None and request.method in ("GET", "HEAD"):
            try:
                found = picture_file(self._folder, safe_name(request.path.removeprefix(FILES)))
            except Failure:
                found = None
        if found is None:
            return Response(404, b"There is no such picture.")
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000"}
        return Response(200, found[0], found[1], headers)


def _remove_stale(incoming: Path) -> None:
    """Remove what processes have left behind that died; another one may be at work on newer uploads."""
    for folder in incoming.glob("*"):
        if folder.stat().st_mtime < time.time() - _STALE:
            shutil.rmtree(folder, ignore_errors=True)


def _drain(body: BinaryIO) -> None:
    """Read the rest of a small body, or its sender would not read the answer."""
    try:
        body.read(_DRAINED)
    except OSError:
        return
