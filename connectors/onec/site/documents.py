"""Orders as documents of CommerceML: written for 1C to fetch, and read as 1C sends them back.

The shape is the one that 1C:Управление торговлей reads from a site. One document that it cannot read fails the
whole file for it, so a document is built, and thereby tried, before its order is taken in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import xxhash
from lxml import etree

from connectors.onec.commerceml.classifier import Element, children, text_of, texts_of
from connectors.onec.commerceml.files import ROOT, open_source
from connectors.onec.site.answers import Failure
from connectors.onec.site.intake import explain
from obmen.errors import ConfigurationError, IncompleteSource, Refused
from obmen.records import Native

OPERATION = "Заказ товара"
STATUSES = {
    "N": "Новый",
    "C": "Подтвержден",
    "A": "Собирается",
    "R": "Готов к отгрузке",
    "S": "Отгружен",
    "F": "Доставлен",
    "X": "Отменен",
    "B": "Возврат",
    "D": "Спор",
}
"""What an order may be, by the code that 1C's settings show."""
CANCELLED = "Отменен"
FINAL = frozenset({CANCELLED, "Доставлен", "Возврат"})
LONGEST_NUMBER = 11
_LONGEST_NAME = 100
_ID = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(#[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?", re.IGNORECASE
)
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_DATE = "0001-01-01"
_CENT = Decimal("0.01")
_YES = {"true", "1", "да", "истина"}
_ATTRIBUTES = {
    "ВерсияСхемы": "2.07",
    "ФорматДаты": "ДФ=yyyy-MM-dd; ДЛФ=DT",
    "ФорматВремени": "ДФ=ЧЧ:мм:сс; ДЛФ=T",
    "РазделительДатаВремя": "T",
    "ФорматСуммы": "ЧЦ=18; ЧДЦ=2; ЧРД=.",
    "ФорматКоличества": "ЧЦ=18; ЧДЦ=3; ЧРД=.",
}
_UNIT = {"Код": "796", "НаименованиеПолное": "Штука", "МеждународноеСокращение": "PCE"}


def package(documents: Iterable[Element], encoding: str, made_at: datetime) -> bytes:
    """Return documents as one file, from its declaration on."""
    stamp = made_at.replace(tzinfo=None, microsecond=0).isoformat()
    root = etree.Element(ROOT, {"ДатаФормирования": stamp, **_ATTRIBUTES})  # type: ignore[dict-item]  # plain texts
    root.extend(documents)
    return etree.tostring(root, encoding=encoding, xml_declaration=True, pretty_print=True)


def document(short: str, order: Native, state: Native, buyer: str) -> Element:
    """Return an order as a document; ``short`` is its number for 1C. Raises Refused for what 1C could not read.

    ``order`` is the payload of ``mappings/onec/commerceml/order.yaml``, ``state`` the one of its last status.
    """
    placed = _moment(order, "Дата")
    built = etree.Element("Документ")
    for name, text in (
        ("Ид", short),
        ("Номер", short),
        ("Дата", placed.date().isoformat()),
        ("ХозОперация", OPERATION),
        ("Роль", "Продавец"),
        ("Валюта", _required(order, "Валюта")),
        ("Курс", "1"),
    ):
        _add(built, name, text)
    total = _add(built, "Сумма", "")
    _buyer(built, order, buyer)
    _add(built, "Время", placed.time().isoformat(timespec="seconds"))
    _add(built, "Комментарий", " ".join(filter(None, (head(order), _text(order.get("Комментарий"))))))
    goods = _add(built, "Товары", "")
    lines = order.get("Товары")
    if not isinstance(lines, list) or not lines:
        raise Refused("The order has no lines, and 1C takes no empty order.", code="no_lines", field="Товары")
    total.text = _money(sum((_line(goods, line) for line in lines), Decimal(0)))
    _requisites(built, _said(order, state))
    return built


def head(order: Native) -> str:
    """Return what names the order in its channel, as it stands at the head of 1C's comment."""
    return f"[{_required(order, 'Канал')}] {_required(order, 'НомерПоДаннымКлиента')}"


def read_documents(path: Path, name: str) -> Iterator[Native]:
    """Yield the orders of a file as 1C sends them. Raises Failure if it is not whole."""
    try:
        open_source(path, name)
        for _, element in etree.iterparse(
            str(path),
            events=("end",),
            tag="{*}Документ",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        ):
            order = read_document(element)
            element.clear()
            if order is not None:
                yield order
    except (IncompleteSource, ConfigurationError, etree.XMLSyntaxError) as error:
        raise Failure(explain(path, name, error)) from error


def read_document(element: Element) -> Native | None:
    """Return a document as a native order, None if it is none or has no number."""
    fields = texts_of(element)
    if fields.get("ХозОперация", OPERATION) != OPERATION or not fields.get("Номер"):
        return None
    said = _named(element)
    native: Native = {"Ref_Key": fields["Номер"], "Реквизиты": said}
    if date := fields.get("Дата", ""):
        native["Дата"] = date if "T" in date else f"{date}T{fields.get('Время') or '00:00:00'}"
    native |= {name: fields[name] for name in ("Валюта", "Сумма", "Комментарий") if fields.get(name)}
    for name, there in (("НомерПо1С", "Номер по 1С"), ("ДатаПо1С", "Дата по 1С"), ("Статус", "Статус заказа")):
        native[name] = said.get(there) or fields.get(name.replace("По1С", "1С"), "")
    for what in ("оплаты", "отгрузки"):
        for name in ("Номер", "Дата"):
            native[f"{name}{what.capitalize()}"] = said.get(f"{name} {what} по 1С", "")
    native = {name: value for name, value in native.items() if value and not str(value).startswith(_NO_DATE)}
    marks = ("Проведен", "Отменен", "ПометкаУдаления")
    native |= {name: (said.get(name) or fields.get(name, "")).casefold() in _YES for name in marks}
    native["Товары"] = [
        {name: text for name in _LINE if (text := text_of(line, name))}
        for goods in children(element, "Товары")
        for line in children(goods, "Товар")
    ]
    return {**native, "Состояние": _state(native)}


_LINE = ("Ид", "Наименование", "Количество", "ЦенаЗаЕдиницу", "Сумма")


def _state(order: Native) -> str:
    if order["Отменен"]:
        return "Отменен"
    if order["ПометкаУдаления"]:
        return "ПомеченНаУдаление"
    if order.get("ДатаОтгрузки") or order.get("НомерОтгрузки"):
        return "Отгружен"
    return "Проведен" if order["Проведен"] else "НеПроведен"


def _named(element: Element) -> dict[str, str]:
    said: dict[str, str] = {}
    for group in children(element, "ЗначенияРеквизитов"):
        for entry in children(group, "ЗначениеРеквизита"):
            said[text_of(entry, "Наименование")] = text_of(entry, "Значение")
    return said


def _buyer(built: Element, order: Native, fallback: str) -> None:
    person = order.get("Контрагент") or {}
    name = _text(person.get("Наименование")) or fallback
    contacts = [(kind, _text(person.get(field))) for kind, field in _CONTACTS]
    told = "|".join([name, *(text for _, text in contacts)])
    one = _add(_add(built, "Контрагенты", ""), "Контрагент", "")
    _add(one, "Ид", xxhash.xxh3_64_hexdigest(told.encode()))
    _add(one, "Наименование", name[:_LONGEST_NAME].strip())
    _add(one, "ПолноеНаименование", name)
    _add(_add(one, "АдресРегистрации", ""), "Представление", _text((order.get("Доставка") or {}).get("Адрес")))
    if any(text for _, text in contacts):
        listed = _add(one, "Контакты", "")
        for kind, text in contacts:
            if text:
                contact = _add(listed, "Контакт", "")
                _add(contact, "Тип", kind)
                _add(contact, "Значение", text)
    _add(one, "Роль", "Покупатель")


_CONTACTS = (("ТелефонРабочий", "Телефон"), ("Почта", "Почта"))


def _line(goods: Element, line: Native) -> Decimal:
    """Add a line; return its sum."""
    id_ = _text(line.get("Ид"))
    if not _ID.fullmatch(id_):
        message = f"A line's product has the id {id_!r}, which is no Ид of 1C: 1C would create a product for it."
        raise Refused(message, code="bad_id", field="Товары.Ид")
    quantity, price = _number(line, "Количество"), _number(line, "ЦенаЗаЕдиницу")
    full = (quantity * price).quantize(_CENT)
    total = _number(line, "Сумма") if line.get("Сумма") else full
    if quantity <= 0 or price < 0 or total < 0:
        message = "A line needs a quantity above zero, and no price or sum below it."
        raise Refused(message, code="bad_line", field="Товары")
    one = _add(goods, "Товар", "")
    _add(one, "Ид", id_)
    _add(one, "Наименование", _text(line.get("Наименование")) or id_)
    _add(one, "БазоваяЕдиница", "шт").attrib.update(_UNIT)
    _add(one, "ЦенаЗаЕдиницу", _plain(price))
    _add(one, "Количество", _plain(quantity))
    _add(one, "Сумма", _money(total))
    if vat := _text(line.get("СтавкаНДС")):
        rate = _add(_add(one, "СтавкиНалогов", ""), "СтавкаНалога", "")
        _add(rate, "Наименование", "НДС")
        _add(rate, "Ставка", vat)
    if total < full:
        discount = _add(_add(one, "Скидки", ""), "Скидка", "")
        _add(discount, "Наименование", "Скидка на товар")
        _add(discount, "Сумма", _money(full - total))
        _add(discount, "УчтеноВСумме", "true")
    _requisites(one, [("ВидНоменклатуры", "Товар"), ("ТипНоменклатуры", "Товар")])
    return total


def _said(order: Native, state: Native) -> Iterator[tuple[str, str]]:
    """Yield the properties of the document that 1C reads, and those that tell a person where it comes from."""
    delivery, payments = order.get("Доставка") or {}, order.get("Оплаты") or []
    status = _text(state.get("Статус")) or "Новый"
    yield "Номер заказа в канале", _required(order, "НомерПоДаннымКлиента")
    yield "Канал", _required(order, "Канал")
    yield "Способ доставки", _text(delivery.get("Способ"))
    yield "Адрес доставки", _text(delivery.get("Адрес"))
    yield "Пункт выдачи", _text(delivery.get("ПунктВыдачи"))
    yield "Трек-номер", _text(delivery.get("ТрекНомер"))
    if delivery.get("ДатаОтгрузки"):
        yield "Дата отгрузки", _moment(delivery, "ДатаОтгрузки").isoformat()
    yield "Метод оплаты", ", ".join(filter(None, (_text(payment.get("Метод")) for payment in payments)))
    yield "Заказ оплачен", _flag(bool(payments) and all(payment.get("Оплачено") is True for payment in payments))
    yield "Отменен", _flag(status == CANCELLED)
    yield "Финальный статус", _flag(status in FINAL)
    yield "Статус заказа", status
    yield "Статуса заказа ИД", next((code for code, name in STATUSES.items() if name == status), "")
    yield "Причина отмены", _text(state.get("Причина"))
    yield "Комментарии покупателя", _text(order.get("Комментарий"))


def _requisites(parent: Element, said: Iterable[tuple[str, str]]) -> None:
    listed = _add(parent, "ЗначенияРеквизитов", "")
    for name, text in said:
        if text:
            entry = _add(listed, "ЗначениеРеквизита", "")
            _add(entry, "Наименование", name)
            _add(entry, "Значение", text)


def _add(parent: Element, name: str, text: str) -> Element:
    made = etree.SubElement(parent, name)
    made.text = text or None
    return made


def _text(value: Any) -> str:
    """Return a value as text without what XML cannot hold."""
    return "" if value is None else _ILLEGAL.sub(" ", str(value)).strip()


def _required(order: Native, name: str) -> str:
    if not (text := _text(order.get(name))):
        raise Refused(f"The order has no {name}, without which 1C reads no order.", code="missing", field=name)
    return text


def _moment(order: Native, name: str) -> datetime:
    try:
        return datetime.fromisoformat(_required(order, name)).replace(tzinfo=None, microsecond=0)
    except ValueError as error:
        message = f"{name} is no time such as 2026-06-15T09:50:09."
        raise Refused(message, code="bad_time", field=name) from error


def _number(line: Native, name: str) -> Decimal:
    try:
        number = Decimal(_text(line.get(name)))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Refused(f"A line's {name} is no number.", code="bad_number", field=f"Товары.{name}")
    return number


def _plain(number: Decimal) -> str:
    return format(number, "f")


def _money(number: Decimal) -> str:
    return format(number.quantize(_CENT), "f")


def _flag(value: bool) -> str:
    return "true" if value else "false"
