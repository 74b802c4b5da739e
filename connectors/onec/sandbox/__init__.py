"""A stand-in of a 1C base: UT 11.4.2, 11.5.8 or 11.5.20 behind its standard OData interface.

It keeps what real bases are recorded or documented to do, their traps too: an unknown property is ignored, a
misspelt filter gives an empty list, the answer to a creation has no DataVersion, strings are cut without a
word. Balances and slices are reckoned from what documents recorded when they were posted. Its own faults, by
name: ``ignore_ref_key`` (the base gives references of its own), ``ignore_if_match``, ``html_200`` (the effect
happens, and a login page with status 200 is answered), ``lock`` (a conflict of locks), ``no_licence`` (no free
place), ``post_fails`` (posting is refused), ``no_lambda`` (any and all are not known).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from connectors.onec.sandbox import books, references, wire
from connectors.onec.sandbox.atom import Writer
from connectors.onec.sandbox.base import Base, Record, Refusal
from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.exchange_plan import ExchangePlan
from connectors.onec.sandbox.functions import BadQuery
from connectors.onec.sandbox.hands.codes import CodesHands
from connectors.onec.sandbox.hands.fill import FillHands
from connectors.onec.sandbox.hands.people import PeopleHands
from connectors.onec.sandbox.lists import denied
from connectors.onec.sandbox.model import EXCHANGE_PLAN, NEWEST, ORDER, model_of
from connectors.onec.sandbox.objects.retail import MARKETPLACES
from connectors.onec.sandbox.reading import Reading
from connectors.onec.sandbox.shapes import Shapes
from obmen.testing.sandbox import Request, Response, Sandbox, route

_ROOT = r"(?:/[\w-]+)?/odata/standard\.odata"
_ANY = rf"{_ROOT}/(?P<resource>.+)"
_SET = rf"{_ROOT}/(?P<name>\w+)"
_ENTITY = rf"{_SET}\(guid'(?P<ref>[^']*)'\)"
_BODY = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_IIS_LIMIT = 260


class OneCSandbox(FillHands, PeopleHands, CodesHands, Sandbox):
    """A base with one organization, one partner, two warehouses, three price types and no goods or orders.

    ``version`` is that of UT: 11.4.2, 11.5.8 or 11.5.20. ``published`` are the objects of its OData interface,
    by default all but another exchange's; ``exchange_plan`` adds an exchange plan with a node for a client,
    as an integrator's extension does; ``marketplaces`` names those that UT itself exchanges with.
    ``strict_products`` lets only goods be ordered that are in the catalog; without ``honours_ref_key`` it gives
    every object a reference of its own, as some bases are said to; ``iis`` refuses long parameters inside an
    address, as that web server does; ``zone`` is that of its clock. Log in as ``references.USERNAME``.
    """

    others: ClassVar[Mapping[str, str]] = {
        "enterprisedata": "connectors.onec.sandbox.enterprisedata:EnterpriseDataSandbox"
    }

    def __init__(
        self,
        *,
        version: str = NEWEST,
        seed: int = 1,
        journal: bool = False,
        strict_products: bool = False,
        honours_ref_key: bool = True,
        published: frozenset[str] | None = None,
        exchange_plan: bool = False,
        marketplaces: tuple[str, ...] = (),
        iis: bool = False,
        zone: str = "Europe/Moscow",
    ) -> None:
        self.username, self.password = references.USERNAME, references.PASSWORD
        self.model = model_of(version)
        more = {EXCHANGE_PLAN} if exchange_plan else set()
        more |= {MARKETPLACES} if marketplaces else set()
        self._published = ((self.model.usual if published is None else published) | more) & self.model.names
        self._exchange_plan = exchange_plan
        self._marketplaces = marketplaces
        self._strict_products = strict_products
        self._honours_ref_key = honours_ref_key
        self._iis = iis
        self._zone = ZoneInfo(zone)
        super().__init__(seed=seed, journal=journal)

    def reset(self) -> None:
        """Forget every order, and everything but the seed of the catalogs."""
        self.random.seed(self.seed)
        self.base = Base(self._local_time, model=self.model, strict_products=self._strict_products, random=self.random)
        for name in self._marketplaces if MARKETPLACES in self.model.types else ():
            own = {"Description": name, "ВидМаркетплейса": name, "Организация_Key": references.ORGANIZATION}
            self.base.create(MARKETPLACES, own, own_ref=True)
        self.hidden: set[str] = set()
        self._open(self._published)
        self.changes = ExchangePlan(self.base, self._shapes) if self._exchange_plan else None

    @property
    def published(self) -> frozenset[str]:
        """The objects of the OData interface; an administrator may change them at any time."""
        return self._shapes.published

    @published.setter
    def published(self, names: frozenset[str]) -> None:
        with self.lock:
            self._published = names & self.model.names
            self._shapes.publish(self._published)

    def state(self) -> dict[str, Any]:
        """The orders with their lines, the other documents, the catalogs; prices, stock, and bonus points now."""
        with self.lock:
            kept = {name: [dict(record) for record in known.values()] for name, known in self.base.objects.items()}
            orders = kept.pop(ORDER)
            documents = {
                name: kept.pop(name) for name, kind in self.model.types.items() if name in kept and kind.is_document
            }
            return {
                "orders": orders,
                "documents": documents,
                "catalogs": kept,
                "prices": books.prices(self.base),
                "stock": books.stock(self.base),
                "bonuses": books.bonuses(self.base),
            }

    def connection(self) -> dict[str, Any]:
        """The base's address, a user, and references that fit an order."""
        return {
            "url": self.url,
            "username": references.USERNAME,
            "password": references.PASSWORD,
            "order": references.order_options(self.model.version),
        }

    # -- the interface ---------------------------------------------------------------------------------------

    def before(self, request: Request) -> Response | None:
        """Let nobody in without the password, or while there is no licence or a lock."""
        if self._iis and any(len(part) > _IIS_LIMIT for part in request.path.split("/")):
            return wire.login_page(400)
        if not self._knows(request.headers.get("authorization", "")):
            refused = wire.login_page(401)
            refused.headers["WWW-Authenticate"] = 'Basic realm="1C:Enterprise 8.3"'
            return refused
        if self.fault("no_licence"):
            return wire.exception("Не обнаружено свободной лицензии")
        if self.fault("lock"):
            return wire.failure(request, 500, "-1", "Конфликт блокировок при выполнении транзакции")
        return None

    def not_found(self, request: Request) -> Response:
        """Answer an address that the interface does not have."""
        if re.match(_ROOT, request.path):
            return wire.failure(request, 400, "6", f"Неверный адрес {request.path}")
        return wire.login_page(404)

    @route("GET", rf"{_ROOT}/\$metadata")
    def get_metadata(self, request: Request) -> Response:
        """What is published."""
        del request
        headers = {"Content-Type": "application/xml;charset=utf-8"}
        return Response(body=metadata(self.published, self.model), headers=headers)

    @route("GET", _ENTITY)
    def get_one(self, request: Request, name: str, ref: str) -> Response:
        """One object by its reference."""
        return self.get(request, f"{name}(guid'{ref}')")

    @route("GET", _ANY)
    def get(self, request: Request, resource: str) -> Response:
        """A set, an object by any key, a part of it, a virtual table, a count."""
        if self.fault("no_lambda") and "/any(" in request.query.get("$filter", ""):
            return wire.failure(request, 400, "21", "Функция any не поддерживается")
        return self._answered(request, lambda: self._reading.answer(request, resource, self._writer(request)))

    @route("POST", rf"{_ROOT}/SelectChanges")
    def select_changes(self, request: Request) -> Response:
        """All that a node of the exchange plan has not confirmed, as a feed."""

        def select() -> Response:
            if wire.speaks_json(request):
                return wire.records(request, self._plan().select_json(request.query))
            feed = self._plan().select(request.query, self._writer(request))
            return wire.xml(feed, "application/atom+xml;type=feed;charset=utf-8")

        return self._answered(request, select)

    @route("POST", rf"{_ROOT}/NotifyChangesReceived")
    def notify_changes_received(self, request: Request) -> Response:
        """Drop what a node has received."""

        def confirm() -> Response:
            self._plan().confirm(request.query)
            return Response(200, body=b"")

        return self._answered(request, confirm)

    @route("POST", _SET)
    def post_one(self, request: Request, name: str) -> Response:
        """Create an object."""

        def create() -> Response:
            self._check_writable(name)
            own_ref = self._honours_ref_key and not self.fault("ignore_ref_key")
            record = self.base.create(name, _body(request), own_ref=own_ref)
            answer = self._entry(request, name, {**record, "DataVersion": None}, status=201)
            answer.headers["Location"] = quote(f"{request.path}(guid'{record['Ref_Key']}')", safe="/()'")
            return answer

        return self._answered(request, create)

    @route("PATCH", _ENTITY)
    def patch_one(self, request: Request, name: str, ref: str) -> Response:
        """Change the named properties of an object."""
        version = None if self.fault("ignore_if_match") else request.headers.get("if-match")

        def change() -> Response:
            self._check_writable(name, ref)
            return self._entry(request, name, self.base.change(name, ref, _body(request), version))

        return self._answered(request, change)

    @route("DELETE", _ENTITY)
    def delete_one(self, request: Request, name: str, ref: str) -> Response:
        """Delete an object for good."""

        def delete() -> Response:
            self._check_writable(name, ref)
            self.base.delete(name, ref)
            return Response(204)

        return self._answered(request, delete)

    @route("POST", rf"{_ENTITY}/(?P<function>\w+)")
    def call(self, request: Request, name: str, ref: str, function: str) -> Response:
        """Post a document, or take its posting back."""

        def post() -> Response:
            self._check_writable(name, ref)
            if function == "Unpost":
                return self._entry(request, name, self.base.unpost(name, ref))
            if function != "Post":
                raise Refusal(f"Метод {function} не найден", status=400, code="11")
            if self.fault("post_fails"):
                raise Refusal("Документ не проведен: недостаточно товара")
            return self._entry(request, name, self.base.post(name, ref))

        return self._answered(request, post)

    # -- behind it -------------------------------------------------------------------------------------------

    def _open(self, published: frozenset[str]) -> None:
        self._shapes = Shapes(self.base, published)
        self._reading = Reading(self._shapes, self.hidden)

    def _answered(self, request: Request, act: Callable[[], Response]) -> Response:
        """Act, and dress a refusal as the client accepts it."""
        try:
            answer = act()
        except (Refusal, BadQuery) as refusal:
            return wire.failure(request, refusal.status, refusal.code, str(refusal))
        return wire.login_page() if self.fault("html_200") else answer

    def _entry(self, request: Request, name: str, record: Record, *, status: int = 200) -> Response:
        return wire.entry(request, self._writer(request), self._shapes.of(name), record, status=status)

    def _check_writable(self, name: str, ref: str = "") -> None:
        shape = self._shapes.of(name)
        if ref.lower() in self.hidden:
            raise denied(name)
        if name not in self.base.objects:
            rows = shape.key == ("Ref_Key", "LineNumber")
            message = f"{name}: запись не поддерживается"
            raise Refusal(message, status=400 if rows else 405, code="13" if rows else "19")

    def _plan(self) -> ExchangePlan:
        if self.changes is None:
            raise Refusal(f"Сущность {EXCHANGE_PLAN} не найдена", status=404, code="8")
        return self.changes

    def _writer(self, request: Request) -> Writer:
        root = wire.root_of(request, f"http://{request.headers.get('host', 'localhost')}")
        return Writer(root, self.published, self.base.local_time())

    def _knows(self, authorization: str) -> bool:
        kind, _, token = authorization.partition(" ")
        try:
            name, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return kind == "Basic" and (name, password) == (self.username, self.password)

    def _local_time(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC).astimezone(self._zone).replace(tzinfo=None)


def _body(request: Request) -> dict[str, Any]:
    try:
        return _BODY.decode(request.body)
    except msgspec.DecodeError as error:
        raise Refusal(f"Ошибка разбора: {error}", status=400, code="1") from error


__all__ = ["OneCSandbox", "Record"]
