"""A stand-in of a 1C base: UT 11.5 behind its standard OData interface.

It keeps what real bases are recorded or documented to do, their traps too: an unknown property is ignored, a
misspelt filter gives an empty list, the answer to a creation has no DataVersion, strings are cut without a
word. Its own faults, by name: ``ignore_ref_key`` (the base gives references of its own), ``ignore_if_match``,
``html_200`` (the effect happens, and a login page with status 200 is answered), ``lock`` (a conflict of
locks), ``no_licence`` (no free place), ``post_fails`` (posting is refused), ``no_lambda`` (any and all are
not known).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from connectors.onec.sandbox import references, wire
from connectors.onec.sandbox.base import Base, Record, Refusal
from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.model import ORDER, STATUSES, TYPES
from connectors.onec.sandbox.query import BadQuery, UnknownProperty, compile_filter
from obmen.testing.sandbox import Request, Response, Sandbox, route

_ROOT = r"(?:/\w+)?/odata/standard\.odata"
_SET = rf"{_ROOT}/(?P<name>\w+)"
_ENTITY = rf"{_SET}\(guid'(?P<ref>[^']*)'\)"
_SERVICE = ("$select", "$filter", "$orderby", "$top", "$skip", "$inlinecount", "$format", "allowedOnly")
_WITHOUT_SECTIONS = "**"
_BODY = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class OneCSandbox(Sandbox):
    """A base with one organization, one partner, two warehouses and no orders.

    ``published`` are the objects of its OData interface; ``strict_products`` lets only goods be ordered that
    ``add_products`` brought in; without ``honours_ref_key`` it gives every object a reference of its own, as
    some bases are said to; ``zone`` is that of its clock. Log in as ``references.USERNAME``.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        journal: bool = False,
        strict_products: bool = False,
        honours_ref_key: bool = True,
        published: frozenset[str] = frozenset(TYPES),
        zone: str = "Europe/Moscow",
    ) -> None:
        self.username, self.password = references.USERNAME, references.PASSWORD
        self.published = published
        self._strict_products = strict_products
        self._honours_ref_key = honours_ref_key
        self._zone = ZoneInfo(zone)
        super().__init__(seed=seed, journal=journal)

    def reset(self) -> None:
        """Forget every order, and everything but the seed of the catalogs."""
        self.random.seed(self.seed)
        self.base = Base(self._local_time, strict_products=self._strict_products, random=self.random)

    def state(self) -> dict[str, Any]:
        """The orders with their lines, and the catalogs."""
        with self.lock:
            objects = self.base.objects
            kept = {name: [dict(record) for record in objects[name].values()] for name in TYPES}
            return {"orders": kept.pop(ORDER), "catalogs": kept}

    def connection(self) -> dict[str, Any]:
        """The base's address, a user, and references that fit an order."""
        return {
            "url": self.url,
            "username": references.USERNAME,
            "password": references.PASSWORD,
            "order": references.ORDER_OPTIONS,
        }

    # -- what a person in 1C does --------------------------------------------------------------------------

    def order(self, number: str) -> Record:
        """Return the order with this number of the client (НомерПоДаннымКлиента) or of 1C itself."""
        with self.lock:
            for order in self.base.objects[ORDER].values():
                if number in {order["НомерПоДаннымКлиента"], order["Number"]}:
                    return dict(order)
        raise KeyError(number)

    def set_status(self, number: str, status: str) -> None:
        """Set an order's status and post it, as a manager does."""
        if status not in STATUSES:
            message = f"{status!r} is none of {', '.join(STATUSES)}"
            raise ValueError(message)
        self._by_hand(number, {"Статус": status})

    def cancel(self, number: str) -> None:
        """Cancel all lines of an order with a reason and close it, as a manager does."""
        lines = [
            {**line, "Отменено": True, "ПричинаОтмены_Key": references.CANCEL_REASON}
            for line in self.order(number)["Товары"]
        ]
        self._by_hand(number, {"Статус": "Закрыт", "Товары": lines})

    def add_products(self, *refs: str) -> None:
        """Bring goods into the catalog."""
        with self.lock:
            for ref in refs:
                self.base.create("Catalog_Номенклатура", {"Ref_Key": ref, "Description": "Товар"}, own_ref=True)

    def _by_hand(self, number: str, change: Record) -> None:
        with self.lock:
            ref = self.order(number)["Ref_Key"]
            self.base.change(ORDER, ref, change, None)
            self.base.post(ORDER, ref)

    # -- the interface ---------------------------------------------------------------------------------------

    def before(self, request: Request) -> Response | None:
        """Let nobody in without the password, or while there is no licence or a lock."""
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
        return Response(body=metadata(self.published), headers=headers)

    @route("GET", _SET)
    def get_list(self, request: Request, name: str) -> Response:
        """A collection: $filter, $select, $orderby, $top, $skip, $inlinecount."""
        return self._answered(request, name, lambda: self._list(request, name))

    @route("GET", _ENTITY)
    def get_one(self, request: Request, name: str, ref: str) -> Response:
        """One object by its reference."""
        return self._answered(
            request,
            name,
            lambda: wire.entry(request, name, _selected(self.base.get(name, ref), request, name)),
        )

    @route("POST", _SET)
    def post_one(self, request: Request, name: str) -> Response:
        """Create an object."""

        def create() -> Response:
            own_ref = self._honours_ref_key and not self.fault("ignore_ref_key")
            record = self.base.create(name, _body(request), own_ref=own_ref)
            answer = wire.entry(request, name, {**record, "DataVersion": None}, status=201)
            answer.headers["Location"] = quote(f"{request.path}(guid'{record['Ref_Key']}')", safe="/()'")
            return answer

        return self._answered(request, name, create)

    @route("PATCH", _ENTITY)
    def patch_one(self, request: Request, name: str, ref: str) -> Response:
        """Change the named properties of an object."""
        version = None if self.fault("ignore_if_match") else request.headers.get("if-match")
        return self._answered(
            request,
            name,
            lambda: wire.entry(request, name, self.base.change(name, ref, _body(request), version)),
        )

    @route("DELETE", _ENTITY)
    def delete_one(self, request: Request, name: str, ref: str) -> Response:
        """Delete an object for good."""

        def delete() -> Response:
            self.base.delete(name, ref)
            return Response(204)

        return self._answered(request, name, delete)

    @route("POST", rf"{_ENTITY}/(?P<function>Post|Unpost)")
    def call(self, request: Request, name: str, ref: str, function: str) -> Response:
        """Post a document, or take its posting back."""

        def post() -> Response:
            if function == "Unpost":
                return wire.entry(request, name, self.base.unpost(name, ref))
            if self.fault("post_fails"):
                raise Refusal("Документ не проведен: недостаточно товара")
            return wire.entry(request, name, self.base.post(name, ref))

        return self._answered(request, name, post)

    # -- behind it -------------------------------------------------------------------------------------------

    def _answered(self, request: Request, name: str, act: Callable[[], Response]) -> Response:
        """Act on a published object, and dress a refusal as the client accepts it."""
        if name not in self.published:
            return wire.failure(request, 404, "8", f"Сущность {name} не найдена")
        try:
            answer = act()
        except (Refusal, BadQuery) as refusal:
            return wire.failure(request, refusal.status, refusal.code, str(refusal))
        return wire.login_page() if self.fault("html_200") else answer

    def _list(self, request: Request, name: str) -> Response:
        query = request.query
        unknown = sorted(key for key in query if key not in _SERVICE)
        if unknown:
            raise BadQuery(f"Неизвестный параметр {unknown[0]}")
        if self.fault("no_lambda") and "/any(" in query.get("$filter", ""):
            raise BadQuery("Функция any не поддерживается", code="21")
        records = self._filtered(name, query.get("$filter", ""))
        for order in reversed(query.get("$orderby", "Ref_Key").split(",")):
            key, _, way = order.strip().partition(" ")
            records.sort(key=lambda record, key=key: str(record.get(key, "")), reverse=way.strip() == "desc")  # type: ignore[misc]  # mypy cannot type a default in a lambda
        count = len(records) if query.get("$inlinecount") == "allpages" else None
        skip, top = int(query.get("$skip", "0")), int(query.get("$top", str(len(records))))
        chosen = [_selected(record, request, name) for record in records[skip : skip + top]]
        return wire.feed(request, name, chosen, count)

    def _filtered(self, name: str, source: str) -> list[Record]:
        records = list(self.base.objects[name].values())
        if not source:
            return records
        fits = compile_filter(source)
        try:
            return [record for record in records if fits(record)]
        except UnknownProperty:
            return []

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


def _selected(record: Record, request: Request, name: str) -> Record:
    names = [part.strip() for part in request.query.get("$select", "*").split(",")]
    if names == ["*"]:
        return record
    if names == [_WITHOUT_SECTIONS]:
        return {key: value for key, value in record.items() if key not in TYPES[name].sections}
    missing = [part for part in names if part not in record]
    if missing:
        raise Refusal(f"Сегмент пути {missing[0]} не найден", status=400, code="10")
    return {part: record[part] for part in names}
