"""Returns of goods: those of channels written into 1C, those of 1C read.

Until the goods are here a return is only asked for (ЗаявкаНаВозвратТоваровОтКлиента); once they are, it is a
document of its own that brings them back to stock (ВозвратТоваровОтКлиента). Written the other way round, goods
that are still on their way would be sold again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from uuid import UUID, uuid5

from connectors.onec.odata import documents
from connectors.onec.odata.client import OData, is_reference
from connectors.onec.odata.documents import Wanted
from connectors.onec.odata.journal import Journal, Shaped
from connectors.onec.odata.late_cancel import LateCancel
from connectors.onec.odata.lines import ZERO, line, number, product_id
from connectors.onec.odata.marks import marked
from connectors.onec.odata.names import Names
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.order_body import CHANNEL, channel_of, product_of
from connectors.onec.odata.order_body import DOCUMENT as ORDER
from connectors.onec.odata.order_body import NUMBER as CLIENTS_NUMBER
from connectors.onec.odata.orders import existing
from connectors.onec.odata.return_body import NUMBER, REQUEST, RETURN, SECTIONS, SHIPMENT, WORD, mark_of, return_body
from connectors.onec.odata.shipments import of_order
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Page
from obmen.errors import ConfigurationError, Refused
from obmen.records import Native

NAMESPACE = UUID("d8a3b0d4-20b5-5b7e-8d0d-3c6a1b9e5f42")
"""The namespace of our returns' references: it may never change, or every return would be created anew."""

HERE = "Принят"
REFUNDED = "Возмещен"
CANCELLED = "Отменен"
_AGREED = "КВозврату"

_ASKED = "Заявлен"
_STATUS_OF_REQUEST = {_ASKED: "НеСогласована"}
_BACK_IN_STOCK = {"on_receipt": {HERE}, "on_refund": {HERE, REFUNDED}, "never": set[str]()}
"""The option ``returned_goods`` → the states in which a return brings its goods back to stock."""


def return_ref(entity_set: str, channel: str, name: str) -> str:
    """Return the reference that a return of a channel gets in every base, of the request or of the return itself."""
    return str(uuid5(NAMESPACE, f"{entity_set}:{channel}:{name}"))


class Returns:
    """The returns of one base. ``name`` is the connection's: the channel of returns that have no order of another."""

    def __init__(self, base: OData, options: OneCOptions, clock: Clock, name: str) -> None:
        self._base, self._options, self._name = base, options, name
        self._names = Names(base, options.order)
        self._late = LateCancel(base, options, clock)
        self._journal = Journal(base, options, clock, (RETURN, REQUEST), self._shape)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield returns in the window of dates; the key is ``Ref_Key``.

        A request is told while it is a channel's and its goods are not here: of others, 1C itself makes the
        return that counts.
        """
        self._names.forget()
        return self._journal.pages(cursor)

    def read_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Yield the returns dated in a period."""
        self._names.forget()
        return self._journal.of(since, until)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield returns by their references, or by ``channel|number`` as they were written."""
        refs: list[str] = []
        for one in ids:
            channel, _, name = one.partition("|")
            both = (return_ref(RETURN, channel, name), return_ref(REQUEST, channel, name))
            refs += [one] if is_reference(one) else both
        yield from self._journal.look_up(refs)

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, payload: Native) -> str:
        """Bring a return to its state and return the reference of the document that stands for it now.

        What was asked for of an order that was cancelled too late makes room for it. Raises Refused (1C's own text,
        or the field that is wrong), InDoubt (look again before repeating).
        """
        order = self._order_with_request(payload)
        ref = self._bring(payload, order)
        if order is not None:
            self._late.make_room(order)
        return ref

    def _bring(self, payload: Native, order: Native | None) -> str:
        returned = self._wanted(RETURN, payload)
        state = payload.get("Состояние")
        if self._is_here(state):
            return documents.bring(self._base, returned, lambda: self._still_out(payload, order))
        there = documents.look(self._base, returned)
        if there is not None and there.get("DeletionMark") is not True:
            return self._keep(there, state)
        request = self._wanted(REQUEST, payload)
        if state == CANCELLED:
            return documents.take_back(self._base, request)
        ref = documents.bring(self._base, request, lambda: self._body(REQUEST, payload))
        if state != _ASKED and state is not None:
            self._agree(ref)
        return ref

    def find(self, payload: Native) -> str | None:
        """Return the document's reference if it stands in the base, posted, as the state asks."""
        state = payload.get("Состояние")
        found = documents.find(self._base, self._wanted(RETURN, payload)) if self._is_here(state) else None
        order = self._order_with_request(payload) if found is not None else None
        return found if order is None or self._late.has_room(order) else None

    def _is_here(self, state: object) -> bool:
        return state in _BACK_IN_STOCK[self._options.returned_goods]

    def _order_with_request(self, payload: Native) -> Native | None:
        """Return the order that goods come back from if a request for them was made when it was cancelled."""
        number_there = str(payload.get("Заказ") or "")
        if not (number_there and self._has(ORDER) and self._has(REQUEST)):
            return None
        ref = existing(self._base, str(payload[CHANNEL]), number_there, self._name)
        order = None if ref is None else self._base.get(ORDER, ref)
        return order if order is not None and self._late.request(order) is not None else None

    def _still_out(self, payload: Native, order: Native | None) -> Native:
        """Return the body of a return whose goods nobody has entered yet by the request that awaits them."""
        if order is not None:
            out = self._late.left_to_return(order)
            for at, one in enumerate(payload.get("Товары") or (), 1):
                product = product_id(product_of(one, at))
                out[product] = out.get(product, ZERO) - number(one.get("Количество"))
                if out[product] < 0:
                    message = (
                        f"All of {product} that the order {payload['Заказ']} was shipped with is back already: a person"
                        " has entered it in 1C. If it is the same goods, drop the record; if not, mark that document"
                        " for deletion and replay this one."
                    )
                    raise Refused(message, code="already_received", field="Товары")
        return self._body(RETURN, payload)

    def _keep(self, document: Native, state: object) -> str:
        if state == CANCELLED:
            message = (
                f"The goods of the return {document.get('Number')} are here already: it cannot be cancelled from"
                " outside. Settle it in 1C, then drop the record."
            )
            raise Refused(message, code="already_received", field="Состояние")
        return str(document["Ref_Key"])

    def _agree(self, ref: str) -> None:
        request = self._base.get(REQUEST, ref, ("Ref_Key", "Статус", "DataVersion"))
        if request is not None and request.get("Статус") in {"", _STATUS_OF_REQUEST[_ASKED]}:
            self._base.change(REQUEST, ref, {"Статус": _AGREED}, version=str(request.get("DataVersion") or ""))
            documents.post(self._base, REQUEST, ref)

    def _wanted(self, entity_set: str, payload: Native) -> Wanted:
        channel, name = str(payload[CHANNEL]), str(payload[NUMBER])
        return Wanted(
            entity_set=entity_set,
            ref=return_ref(entity_set, channel, name),
            search=lambda: self._marked(entity_set, payload),
            what=f"the return {name} of {channel}",
            field=NUMBER,
        )

    def _marked(self, entity_set: str, payload: Native) -> list[Native]:
        day = date.fromisoformat(str(payload.get("Date") or "")[:10] or "0001-01-01")
        mark = mark_of(payload)
        return documents.of_day(self._base, entity_set, day, lambda comment: marked(WORD, comment)[0] == mark)

    def _body(self, entity_set: str, payload: Native) -> Native:
        options = self._options.order
        if options is None:
            message = (
                "Returns are written with what the `order:` section names: the organization, the partner and so on."
            )
            raise ConfigurationError(message)
        shipments = self._shipments(str(payload[CHANNEL]), str(payload.get("Заказ") or ""))
        metadata = self._base.metadata()
        body = return_body(entity_set, payload, shipments, options, metadata)
        known = metadata.properties(entity_set)
        if entity_set == REQUEST and "Статус" in known:
            body["Статус"] = _STATUS_OF_REQUEST.get(str(payload.get("Состояние") or _ASKED), _AGREED)
        if "ЗаявкаНаВозврат" in known:
            request = documents.look(self._base, self._wanted(REQUEST, payload)) if self._has(REQUEST) else None
            if request is not None:
                named = {"ЗаявкаНаВозврат": request["Ref_Key"], "ЗаявкаНаВозврат_Type": f"StandardODATA.{REQUEST}"}
                body |= {name: value for name, value in named.items() if name in known}
        return body

    def _shipments(self, channel: str, order: str) -> list[Native]:
        """Return the posted shipments of the order that goods come back from."""
        if not (order and self._has(SHIPMENT) and self._has(ORDER)):
            return []
        ref = existing(self._base, channel, order, self._name)
        return [] if ref is None else of_order(self._base, ref)

    def _has(self, entity_set: str) -> bool:
        return entity_set in self._base.metadata().sets

    # -- reading ---------------------------------------------------------------------------------------------

    def _shape(self, entity_set: str, rows: Sequence[Native]) -> list[Shaped]:
        orders = self._orders(entity_set, rows)
        here = self._returned(rows) if entity_set == REQUEST else frozenset()
        shaped: list[Shaped] = []
        for row in rows:
            name = marked(WORD, row.get("Комментарий"))[0]
            told = entity_set == RETURN or (name and name not in here)
            shaped.append([self._return(entity_set, row, orders)] if told else [])
        return shaped

    def _returned(self, requests: Sequence[Native]) -> frozenset[str]:
        """Return the marks of those requests whose goods are here."""
        marks = {name for row in requests if (name := marked(WORD, row.get("Комментарий"))[0])}
        refs = {return_ref(RETURN, *name.split(" ", 1)): name for name in marks if " " in name}
        found = by_refs(self._base, RETURN, refs, ("Ref_Key", "DeletionMark")) if self._has(RETURN) else {}
        return frozenset(refs[ref] for ref, row in found.items() if row.get("DeletionMark") is not True)

    def _return(self, entity_set: str, row: Native, orders: dict[str, Native]) -> Native:
        name, comment = marked(WORD, row.get("Комментарий"))
        order = orders.get(str(row["Ref_Key"]), {})
        channel, order_number = self._order_of(order)
        if " " in name:
            channel, own = name.split(" ", 1)
        else:
            own = f"{row['Number']}/{str(row['Date'])[:4]}"
        rows = [line(one, self._names) for one in row.get(SECTIONS[entity_set]) or ()]
        told = {
            **row,
            CHANNEL: channel or self._name,
            NUMBER: own,
            "Заказ": order_number or None,
            "Комментарий": comment,
            "Состояние": HERE if entity_set == RETURN else row.get("Статус"),
            "Товары": [one for one in rows if one.get("Отменено") is not True],
            **self._names.currency(row.get("Валюта_Key")),
            "Склад": self._names.warehouse(row.get("Склад_Key")),
            "Причина": row.get("ПричинаВозврата") or None,
        }
        return {key: value for key, value in told.items() if value is not None}

    def _order_of(self, order: Native) -> tuple[str, str]:
        """Return an order's channel and the number that it has there."""
        if not order:
            return "", ""
        channel, _ = channel_of(str(order.get("Комментарий") or ""))
        if channel and order.get(CLIENTS_NUMBER):
            return channel, str(order[CLIENTS_NUMBER])
        return self._name, f"{order['Number']}/{str(order['Date'])[:4]}"

    def _orders(self, entity_set: str, rows: Sequence[Native]) -> dict[str, Native]:
        """Return document → the order whose goods came back, by the shipment that it names."""
        named = {str(row["Ref_Key"]): _shipment_of(entity_set, row) for row in rows}
        wanted = sorted({ref for ref in named.values() if ref})
        shipments = by_refs(self._base, SHIPMENT, wanted) if self._has(SHIPMENT) else {}
        shipped = {ref: _order_ref(shipment) for ref, shipment in shipments.items()}
        refs = sorted({ref for ref in shipped.values() if ref})
        select = ("Ref_Key", "Number", "Date", "Комментарий", CLIENTS_NUMBER)
        orders = by_refs(self._base, ORDER, refs, select) if self._has(ORDER) else {}
        return {ref: orders[shipped[of]] for ref, of in named.items() if shipped.get(of) in orders}


def _shipment_of(entity_set: str, row: Native) -> str:
    """Return the shipment that a return names, in its head or in a line; empty where it names none."""
    for place in (row, *(row.get(SECTIONS[entity_set]) or ())):
        for name in ("ДокументРеализации", "ДокументОснование"):
            if str(place.get(f"{name}_Type") or "").endswith(SHIPMENT) and is_reference(place.get(name)):
                return str(place[name])
    return ""


def _order_ref(shipment: Native) -> str:
    for place in (shipment, *(shipment.get("Товары") or ())):
        if str(place.get("ЗаказКлиента_Type") or "").endswith(ORDER) and is_reference(place.get("ЗаказКлиента")):
            return str(place["ЗаказКлиента"])
    return ""
