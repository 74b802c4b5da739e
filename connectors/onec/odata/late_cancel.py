"""What becomes of goods that 1C has shipped of an order that its channel then cancelled.

They are on their way and belong to nobody: not to the buyer any more, and not to the warehouse yet. Booked back at
once they would be sold again before they are here; left alone they would be forgotten. So they are asked for: a
ЗаявкаНаВозвратТоваровОтКлиента, КВозврату, stands for all that no other document brings back, and moves no stock.
It makes room, line by line, for the returns that the channel tells of the same goods later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from connectors.onec.odata import documents
from connectors.onec.odata.client import NO_DATE, NO_REF, OData
from connectors.onec.odata.documents import LIGHT, Wanted
from connectors.onec.odata.errors import CHANGED_MEANWHILE
from connectors.onec.odata.journal import STANDING
from connectors.onec.odata.lines import ZERO, number, product_id
from connectors.onec.odata.marks import mark, marked
from connectors.onec.odata.order_body import NUMBER, channel_of
from connectors.onec.odata.order_sums import shares
from connectors.onec.odata.return_body import REQUEST, RETURN, SECTIONS, SHIPMENT, tied
from connectors.onec.odata.shipments import goods, of_order, quantities
from connectors.onec.options import OneCOptions, OrderOptions
from obmen.clock import Clock
from obmen.errors import LATE_CANCEL, Denied, Later, Refused
from obmen.records import Native

NAMESPACE = UUID("0f6d4f0e-7a52-5c0b-9d53-5b0a7c1e8e64")
"""The namespace of these requests' references: it may never change, or a request would be made anew."""

AWAITED = "КВозврату"
LATE = "[отменен после отгрузки]"
"""What the comment of such an order says, so that it is not told as delivered."""

_WORD = "отмена"
_BASIS: Mapping[str, str] = {RETURN: "ДокументРеализации", REQUEST: "ДокументОснование"}
_HEAD = (
    "Организация_Key",
    "Партнер_Key",
    "Контрагент_Key",
    "Соглашение_Key",
    "Договор_Key",
    "Валюта_Key",
    "Склад_Key",
    "Менеджер_Key",
    "НалогообложениеНДС",
    "ЦенаВключаетНДС",
)
_ROW = (
    "Номенклатура_Key",
    "Характеристика_Key",
    "Упаковка_Key",
    "Серия_Key",
    "СтавкаНДС",
    "СтавкаНДС_Key",
    "Цена",
    "Количество",
    "КоличествоУпаковок",
    "Сумма",
    "СуммаНДС",
    "СуммаСНДС",
)
_TO_DO = (
    "Make a «Заявка на возврат товаров от клиента» or, once the goods are here, a «Возврат товаров от клиента» based on"
    " that shipment: then this entry closes itself."
)
_NOTHING = (None, "", NO_REF, NO_DATE)
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Part:
    """So much of a shipment's row that nobody brings back yet."""

    shipment: Native
    row: Native
    quantity: Decimal


class LateCancel:
    """The goods of one base's orders that were cancelled too late."""

    def __init__(self, base: OData, options: OneCOptions, clock: Clock) -> None:
        self._base, self._options, self._clock = base, options, clock

    def settle(self, order: Native, shipments: Sequence[Native]) -> None:
        """See to it that what was shipped is asked back once, or that a person does.

        Raises Refused with the code of a task where that is left to a person, by the option or for want of rights.
        """
        parts = list(self._missing(shipments))
        if not parts:
            return
        why = self._why_not()
        if why is None:
            try:
                documents.bring(self._base, self._wanted(order, shipments), lambda: self._body(order, parts))
            except Denied as denied:
                why = f" The user of the connection may not make it: {denied}"
            else:
                return
        raise _task(order, parts, why)

    def make_room(self, order: Native) -> None:
        """Take out of the order's request what other documents bring back by now; of none that people went on from."""
        for _ in range(_ROUNDS):
            request = self.request(order)
            parts = None if request is None else self._fewer(order, request)
            if request is None or parts is None or self._cut(order, request, parts):
                return
        message = f"The request for the goods of the order {_name(order)} is being changed in 1C."
        raise Later(message)

    def has_room(self, order: Native) -> bool:
        """Whether ``make_room`` has nothing to do."""
        request = self.request(order)
        return request is None or self._fewer(order, request) is None

    def request(self, order: Native) -> Native | None:
        """Return the order's request while its goods are awaited; None where it has none."""
        if not self._has(REQUEST):
            return None
        request = self._base.get(REQUEST, _ref(order))
        if request is None:
            hits = list(self._marked(order, of_order(self._base, str(order["Ref_Key"]))))
            request = self._base.get(REQUEST, str(hits[0]["Ref_Key"])) if len(hits) == 1 else None
        if request is None or request.get("DeletionMark") is True or request.get("Статус") != AWAITED:
            return None
        return request

    def left_to_return(self, order: Native) -> dict[str, Decimal]:
        """Return product's id → how much of what was shipped no return has brought back yet."""
        shipments = of_order(self._base, str(order["Ref_Key"]))
        back = quantities(goods(_based(self._base, RETURN, shipments)))
        return {product: sold - back.get(product, ZERO) for product, sold in quantities(goods(shipments)).items()}

    # -- what is missing -------------------------------------------------------------------------------------

    def _missing(self, shipments: Sequence[Native], *, but: str = "") -> Iterator[Part]:
        """Yield what no request, and no return without one, brings back; ``but``: a request that does not count."""
        covered = _covered(self._base, shipments, but=but)
        for shipment in shipments:
            for row in shipment.get("Товары") or ():
                product, quantity = product_id(row), number(row.get("Количество"))
                back = min(covered.get(product, ZERO), quantity)
                covered[product] = covered.get(product, ZERO) - back
                if quantity > back:
                    yield Part(shipment, row, quantity - back)

    def _fewer(self, order: Native, request: Native) -> list[Part] | None:
        """Return what the request is to hold, never more than it does; None where that is what it holds."""
        held = quantities(request.get(SECTIONS[REQUEST]) or ())
        shipments = of_order(self._base, str(order["Ref_Key"]))
        before, kept = dict(held), list[Part]()
        for part in self._missing(shipments, but=str(request["Ref_Key"])):
            product = product_id(part.row)
            some = min(part.quantity, held.get(product, ZERO))
            if some > 0:
                held[product] -= some
                kept.append(Part(part.shipment, part.row, some))
        return None if _together(kept) == before else kept

    def _cut(self, order: Native, request: Native, parts: Sequence[Part]) -> bool:
        """Leave these parts in the request, or mark it for deletion; False if it changed under our hands."""
        ref = str(request["Ref_Key"])
        if not parts:
            documents.take_back(self._base, self._wanted(order, of_order(self._base, str(order["Ref_Key"]))))
            return True
        body = self._body(order, parts)
        change = {name: body[name] for name in (SECTIONS[REQUEST], "СуммаДокумента")}
        try:
            self._base.change(REQUEST, ref, change, version=str(request.get("DataVersion") or ""))
        except Refused as refused:
            if refused.code == CHANGED_MEANWHILE:
                return False
            raise
        documents.post(self._base, REQUEST, ref)
        return True

    # -- the request -----------------------------------------------------------------------------------------

    def _why_not(self) -> str | None:
        """Return what a task says of why Obmen makes no request; None where it makes one."""
        if self._options.late_cancel == "task":
            return ""
        if not self._has(REQUEST):
            return " Obmen makes it itself once Документ.ЗаявкаНаВозвратТоваровОтКлиента is published."
        return None if self._options.order is not None else " Obmen makes it itself once the connection has `order:`."

    def _wanted(self, order: Native, shipments: Sequence[Native]) -> Wanted:
        return Wanted(
            entity_set=REQUEST,
            ref=_ref(order),
            search=lambda: list(self._marked(order, shipments)),
            what=f"the request for the goods of the cancelled order {_name(order)}",
            field="Комментарий",
        )

    def _marked(self, order: Native, shipments: Sequence[Native]) -> Iterator[Native]:
        for row in _all_based(self._base, REQUEST, shipments, select=LIGHT):
            if marked(_WORD, row.get("Комментарий"))[0] == _name(order):
                yield row

    def _body(self, order: Native, parts: Sequence[Part]) -> Native:
        metadata = self._base.metadata()
        known = metadata.properties(REQUEST)
        sold = parts[0].shipment
        copied = {name: said for name in _HEAD if name in known and (said := _first(name, sold, order)) is not None}
        now = self._clock.now().astimezone(ZoneInfo(self._options.timezone))
        body: Native = {
            **copied,
            **tied(_BASIS[REQUEST], str(sold["Ref_Key"])),
            "Date": now.replace(tzinfo=None, microsecond=0).isoformat(),
            "ХозяйственнаяОперация": "ВозвратТоваровОтКлиента",
            "Статус": AWAITED,
            "Комментарий": mark(_WORD, _name(order), "Заказ отменен в канале после отгрузки, товар ожидается назад"),
            **self._rows(parts, known[SECTIONS[REQUEST]].rows, with_vat=copied.get("ЦенаВключаетНДС") is not False),
        }
        metadata.require(REQUEST, body)
        return body

    def _rows(self, parts: Sequence[Part], type_name: str, *, with_vat: bool) -> Native:
        """Return the request's rows, and what they come to."""
        known = self._base.metadata().properties(type_name)
        assert self._options.order is not None  # noqa: S101 - _why_not asks
        made = [_row(part, self._options.order, with_vat=with_vat) for part in parts]
        rows = [
            {"LineNumber": str(at), **{name: value for name, value in row.items() if name in known}}
            for at, row in enumerate(made, 1)
        ]
        return {SECTIONS[REQUEST]: rows, "СуммаДокумента": sum((number(row["СуммаСНДС"]) for row in made), ZERO)}

    def _has(self, entity_set: str) -> bool:
        return entity_set in self._base.metadata().sets


def still_out(base: OData, name: str, shipments: Sequence[Native], out: Mapping[str, Decimal]) -> None:
    """Raise Refused, with the code of a task, for goods that left with an order and that its channel took out of it.

    ``out``: product's id → how much. What requests and returns bring back of the shipments is no longer out.
    """
    covered = _covered(base, shipments)
    left = {product: some for product, quantity in out.items() if (some := quantity - covered.get(product, ZERO)) > 0}
    if left:
        message = (
            f"The channel took goods out of the order {name} that 1C had shipped (реализация {_numbers(shipments)})."
            f" What was not shipped is cancelled; still out: {_listed(left)}. {_TO_DO}"
        )
        raise Refused(message, code=LATE_CANCEL, field="Товары")


def _covered(base: OData, shipments: Sequence[Native], *, but: str = "") -> dict[str, Decimal]:
    """Return product's id → how much requests, and returns without one, bring back of shipments."""
    requests = [one for one in _based(base, REQUEST, shipments) if one["Ref_Key"] != but]
    asked = {str(one["Ref_Key"]) for one in requests} | ({but} if but else set())
    returns = [one for one in _based(base, RETURN, shipments) if str(one.get("ЗаявкаНаВозврат")) not in asked]
    return quantities([*goods(requests, SECTIONS[REQUEST]), *goods(returns)])


def _based(base: OData, entity_set: str, shipments: Sequence[Native]) -> list[Native]:
    """Return the posted returns, or requests, that are based on shipments."""
    return list(_all_based(base, entity_set, shipments, f" and {STANDING}"))


def _all_based(
    base: OData, entity_set: str, shipments: Sequence[Native], also: str = "", select: Sequence[str] = ()
) -> Iterator[Native]:
    basis, metadata = _BASIS[entity_set], base.metadata()
    if entity_set not in metadata.sets or basis not in metadata.properties(entity_set):
        return
    for shipment in shipments:
        where = f"{basis} eq cast(guid'{shipment['Ref_Key']}','{SHIPMENT}'){also}"
        for rows in base.pages(entity_set, where=where, select=select):
            yield from rows


def _row(part: Part, options: OrderOptions, *, with_vat: bool) -> Native:
    whole = {name: part.row[name] for name in _ROW if part.row.get(name) not in _NOTHING}
    if part.quantity != number(part.row.get("Количество")):
        some = shares(part.row, part.quantity, options, with_vat=with_vat)
        whole |= {name: some[name][0] for name in _ROW if name in some}
    return {**whole, **tied("ДокументРеализации", str(part.shipment["Ref_Key"]))}


def _first(name: str, *documents: Native) -> object:
    """Return what the first of documents that tells it says; None where none does."""
    return next((one[name] for one in documents if one.get(name) not in _NOTHING), None)


def cancel_unshipped(
    rows: Sequence[Native], shipped: Mapping[str, Decimal], options: OrderOptions | None, *, with_vat: bool
) -> Iterator[tuple[Native, bool]]:
    """Yield an order's rows, and whether each is to be cancelled now: what was shipped of them stands.

    A row that was shipped in part becomes two. Raises Refused where that needs the connection's ``order:``.
    """
    left = dict(shipped)
    key = max((int(number(row.get("КлючСвязи"))) for row in rows), default=0)
    for row in rows:
        product, quantity = product_id(row), number(row.get("Количество"))
        stays = ZERO if row.get("Отменено") is True else min(left.get(product, ZERO), quantity)
        left[product] = left.get(product, ZERO) - stays
        if row.get("Отменено") is True or stays in {ZERO, quantity}:
            yield row, row.get("Отменено") is not True and not (stays and quantity)
            continue
        if options is None:
            message = f"{stays} of {quantity} {product} were shipped; to divide the row the connection needs `order:`."
            raise Refused(message, code="no_order_options", field="Товары")
        parts = shares(row, stays, options, with_vat=with_vat)
        key += 1
        own = {name: value for name, value in row.items() if name not in {"КодСтроки", "ИдентификаторСтроки"}}
        yield {**row, **{name: kept for name, (kept, _) in parts.items()}}, False
        yield {**own, **{name: gone for name, (_, gone) in parts.items()}, "КлючСвязи": str(key)}, True


def stands_as_shipped(rows: Sequence[Native], shipped: Mapping[str, Decimal]) -> bool:
    """Whether nothing stands in an order's rows but what was shipped."""
    return all(quantity <= shipped.get(product, ZERO) for product, quantity in quantities(rows).items())


def _task(order: Native, parts: Sequence[Part], why: str) -> Refused:
    left, shipments = _together(parts), _numbers([part.shipment for part in parts])
    message = (
        f"The channel cancelled the order {_name(order)} after 1C had shipped it (реализация {shipments}). What was not"
        f" shipped is cancelled and nothing is reserved; still out: {_listed(left)}. {_TO_DO}{why}"
    )
    return Refused(message, code=LATE_CANCEL, field="Состояние")


def _together(parts: Sequence[Part]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in parts:
        found[product_id(part.row)] = found.get(product_id(part.row), ZERO) + part.quantity
    return found


def _listed(left: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{quantity.normalize():f} × {product}" for product, quantity in left.items())


def _numbers(shipments: Sequence[Native]) -> str:
    return ", ".join(dict.fromkeys(str(one.get("Number")) for one in shipments))


def _name(order: Native) -> str:
    """Return the order's name in a mark: its channel and number there, or 1C's own number."""
    channel, _ = channel_of(str(order.get("Комментарий") or ""))
    client = str(order.get(NUMBER) or "")
    return f"{channel} {client}".strip() if client else str(order.get("Number") or order["Ref_Key"])


def _ref(order: Native) -> str:
    return str(uuid5(NAMESPACE, str(order["Ref_Key"]).lower()))
