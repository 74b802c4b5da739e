"""The little of a UT base that the exchange touches: which goods there are, and orders that came from the site.

What 1C gets wrong is kept in view: numbers that it cut, orders that it took for another's, goods that it had to
create because it could not find them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from connectors.onec.commerceml.classifier import Element, children, text_of, texts_of

NUMBER_LENGTH = 11
OPERATION = "Заказ товара"
_NAMESPACE = "urn:1C.ru:commerceml_2"
_SECTIONS = ("Контрагенты", "Товары", "ЗначенияРеквизитов")


@dataclass(slots=True)
class Order:
    """A Заказ клиента that came from the site, with what a manager makes of it.

    While ``open`` (it awaits agreement), the site may still change it. ``said`` are its properties by name,
    ``lines`` are (Ид, quantity, price, sum) as texts.
    """

    number: str
    number_1c: str
    date: str
    currency: str
    total: str
    comment: str
    said: dict[str, str]
    lines: list[tuple[str, str, str, str]]
    buyer: str
    times: int = 1
    open: bool = True
    posted: bool = False
    cancelled: bool = False
    deleted: bool = False
    paid_at: datetime | None = None
    shipped_at: datetime | None = None


@dataclass(slots=True)
class Base:
    """Goods by Ид, currencies by name, and the orders. ``changed``: numbers that the site has yet to be told."""

    goods: set[str] = field(default_factory=set)
    currencies: frozenset[str] = frozenset({"RUB", "USD", "EUR"})
    orders: dict[str, Order] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    mistaken: list[str] = field(default_factory=list)
    created_goods: list[str] = field(default_factory=list)
    created_buyers: set[str] = field(default_factory=set)

    def know_goods(self, text: bytes) -> None:
        """Take note of the goods and offers of an export."""
        for _, element in etree.iterparse(_Bytes(text), events=("end",), tag=("{*}Товар", "{*}Предложение")):
            if id_ := text_of(element, "Ид"):
                self.goods.add(id_)
            element.clear()

    def load(self, text: bytes) -> int:
        """Load a file of orders as 1C does: one document that it cannot read fails the whole file. Return how many."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        documents = list(children(etree.fromstring(text, parser), "Документ"))
        loaded = [self._read(document) for document in documents]
        for order in loaded:
            self._take(order)
        return len(loaded)

    def change(self, number: str, **marks: object) -> None:
        """Change an order as a manager does: it is no longer open, and the site will be told."""
        order = self.orders[number]
        order.open = False
        for name, value in marks.items():
            setattr(order, name, value)
        if number not in self.changed:
            self.changed.append(number)

    def changes(self) -> bytes | None:
        """Return the changed orders as 1C sends them; None if there are none."""
        if not self.changed:
            return None
        root = etree.Element("КоммерческаяИнформация", nsmap={None: _NAMESPACE})
        root.set("ВерсияСхемы", "2.07")
        for number in self.changed:
            root.append(_document(self.orders[number]))
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True)

    def _read(self, document: Element) -> Order:
        fields, parts = texts_of(document), {name: next(children(document, name), None) for name in _SECTIONS}
        if fields.get("ХозОперация") != OPERATION:
            raise ValueError(f"Хозяйственная операция {fields.get('ХозОперация')!r} не поддерживается")
        if fields.get("Валюта") not in self.currencies:
            raise ValueError(f"Валюта {fields.get('Валюта')!r} не найдена")
        full = fields.get("Номер", "")
        if not full or parts["Товары"] is None or parts["Контрагенты"] is None:
            raise ValueError("В документе нет номера, товаров или контрагента")
        if len(full) > NUMBER_LENGTH:
            self.cut.append(full)
        buyer = next(children(parts["Контрагенты"], "Контрагент"))
        requisites = parts["ЗначенияРеквизитов"]
        return Order(
            number=full[:NUMBER_LENGTH],
            number_1c="",
            date=f"{fields['Дата']}T{fields.get('Время', '00:00:00')}",
            currency=fields["Валюта"],
            total=fields.get("Сумма", ""),
            comment=fields.get("Комментарий", ""),
            said={} if requisites is None else dict(_pairs(requisites)),
            lines=[
                (
                    text_of(line, "Ид"),
                    text_of(line, "Количество"),
                    text_of(line, "ЦенаЗаЕдиницу"),
                    text_of(line, "Сумма"),
                )
                for line in children(parts["Товары"], "Товар")
            ],
            buyer=text_of(buyer, "Наименование"),
        )

    def _take(self, order: Order) -> None:
        self.created_goods += [id_ for id_, *_ in order.lines if self.goods and id_ not in self.goods]
        self.created_buyers.add(order.buyer)
        known = self.orders.get(order.number)
        if known is None:
            order.number_1c = f"УТ00-{len(self.orders) + 1:06d}"
            self.orders[order.number] = order
            return
        known.times += 1
        if known.said.get("Номер заказа в канале") != order.said.get("Номер заказа в канале"):
            self.mistaken.append(order.number)
        if known.open:
            order.number_1c, order.times = known.number_1c, known.times
            self.orders[order.number] = order


class _Bytes:
    def __init__(self, text: bytes) -> None:
        self._text = text

    def read(self, size: int = -1) -> bytes:
        given, self._text = (self._text, b"") if size < 0 else (self._text[:size], self._text[size:])
        return given


def _pairs(requisites: Element) -> Iterable[tuple[str, str]]:
    for entry in children(requisites, "ЗначениеРеквизита"):
        yield text_of(entry, "Наименование"), text_of(entry, "Значение")


def _document(order: Order) -> Element:
    document = etree.Element(f"{{{_NAMESPACE}}}Документ")
    date, _, time = order.date.partition("T")
    for name, text in (
        ("Ид", order.number),
        ("Номер", order.number),
        ("Дата", date),
        ("Время", time),
        ("ХозОперация", OPERATION),
        ("Роль", "Продавец"),
        ("Валюта", order.currency),
        ("Сумма", order.total),
        ("Комментарий", order.comment),
    ):
        _add(document, name, text)
    goods = _add(document, "Товары", "")
    for id_, quantity, price, total in order.lines:
        line = _add(goods, "Товар", "")
        for name, text in (("Ид", id_), ("Количество", quantity), ("ЦенаЗаЕдиницу", price), ("Сумма", total)):
            _add(line, name, text)
    requisites = _add(document, "ЗначенияРеквизитов", "")
    for name, text in _marks(order):
        entry = _add(requisites, "ЗначениеРеквизита", "")
        _add(entry, "Наименование", name)
        _add(entry, "Значение", text)
    return document


def _marks(order: Order) -> Iterable[tuple[str, str]]:
    yield "Номер по 1С", order.number_1c
    yield "Дата по 1С", order.date
    yield "ПометкаУдаления", str(order.deleted).lower()
    yield "Проведен", str(order.posted).lower()
    yield "Отменен", str(order.cancelled).lower()
    for what, at in (("оплаты", order.paid_at), ("отгрузки", order.shipped_at)):
        if at is not None:
            yield f"Номер {what} по 1С", f"УТ00-{order.number_1c[-3:]}"
            yield f"Дата {what} по 1С", at.replace(tzinfo=None).isoformat()


def _add(parent: Element, name: str, text: str) -> Element:
    made = etree.SubElement(parent, f"{{{_NAMESPACE}}}{name}")
    made.text = text
    return made
