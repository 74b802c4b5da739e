"""Loads a peer's objects into the base: finds what exists, creates what does not, refuses what a base refuses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lxml import etree

from connectors.onec.sandbox.enterprisedata.stock import Shelf, Spec

if TYPE_CHECKING:
    from connectors.onec.sandbox.enterprisedata.node import Node

Element = etree._Element  # noqa: SLF001 - lxml's only name for its elements' type
_NUMBER_LENGTH = 30
_CURRENCIES = {"643", "840", "978", "933", "398", "156"}


class LoadError(Exception):
    """The loading failed, with these words."""


class Loader:
    """Loads the objects of one message. What is loaded is not registered for the node that sent it."""

    def __init__(self, shelf: Shelf, node: Node) -> None:
        self._shelf = shelf
        self._node = node

    def load(self, body: Element) -> list[str]:
        """Load each object by itself; return what 1C says of those that failed."""
        failed = []
        for element in body:
            kind = etree.QName(element).localname
            if kind not in self._node.profile.receives or kind not in _LOADERS:
                continue
            before = dict(self._node.registered)
            try:
                getattr(self, _LOADERS[kind])(element)
            except LoadError as error:
                failed.append(f"Направление: Получение. {kind}: {error}")
            finally:
                self._node.registered = before
        return failed

    def _keep(self, kind: str, ref: str, **fields: Any) -> None:
        told = {name: value for name, value in fields.items() if value not in (None, "")}
        self._shelf.put(kind, ref, **told)

    def _product(self, element: Element) -> None:
        key = _below(element, "КлючевыеСвойства")
        vat = _below(element, "СтавкаНДС")
        self._keep(
            "Справочник.Номенклатура",
            _needed(key, "Ссылка"),
            name=_needed(key, "Наименование"),
            full_name=_text(key, "НаименованиеПолное"),
            article=_text(key, "Артикул"),
            description=_text(element, "Описание"),
            vat=None if vat is None else _rate(vat),
        )

    def _barcode(self, element: Element) -> None:
        goods = [
            self._good(_below(row, "ДанныеНоменклатуры", "Номенклатура"))
            for row in element.iterfind("{*}Записи/{*}Строка")
        ]
        self._keep("Справочник.ШтрихкодыНоменклатуры", _needed(element, "Штрихкод"), goods=goods)

    def _contragent(self, element: Element) -> None:
        key = _below(element, "КлючевыеСвойства")
        contacts: dict[str, list[str]] = {"Телефон": [], "АдресЭлектроннойПочты": [], "ФактическийАдрес": []}
        for row in element.iterfind("{*}КонтактнаяИнформация/{*}Строка"):
            field = etree.fromstring(_needed(row, "ЗначенияПолей"))
            contacts.setdefault(_text(row, "ВидКонтактнойИнформации"), []).append(field.get("Представление", ""))
        self._keep(
            "Справочник.Контрагенты",
            _needed(key, "Ссылка"),
            name=_needed(key, "Наименование"),
            full_name=_text(key, "НаименованиеПолное"),
            inn=_text(key, "ИНН"),
            legal=_needed(key, "ЮридическоеФизическоеЛицо"),
            phones=contacts["Телефон"] or None,
            emails=contacts["АдресЭлектроннойПочты"] or None,
            address=next(iter(contacts["ФактическийАдрес"]), None),
            comment=_text(element, "ДополнительнаяИнформация") or _comment(element),
        )

    def _prices(self, element: Element) -> None:
        key = _below(element, "КлючевыеСвойства")
        type_ = self._existing("Справочник.ТипыЦен", _below(element, "ТипЦен"), "Вид цены")
        rows = []
        for row in element.iterfind("{*}Товары/{*}Строка"):
            product, variant = self._good(_below(row, "ДанныеНоменклатуры"))
            rows.append((product, variant, _needed(row, "Цена")))
        fields = {"date": _needed(key, "Дата"), "number": _text(key, "Номер") or self._next_number("УЦ")}
        self._keep("Документ.УстановкаЦенНоменклатуры", _needed(key, "Ссылка"), types={type_: rows}, **fields)

    def _order(self, element: Element) -> None:
        key = _below(element, "КлючевыеСвойства")
        ref = _needed(key, "Ссылка")
        warehouse = _below(element, "Склад")
        code = _text(_below(element, "Валюта", "ДанныеКлассификатора"), "Код")
        if code not in _CURRENCIES:
            message = "Не заполнено поле «Валюта»"
            raise LoadError(message)
        incoming = _text(_below(key, "ДанныеВходящегоДокумента"), "НомерВходящегоДокумента")[:_NUMBER_LENGTH]
        lines = [self._line(row) for row in element.iterfind("{*}Товары/{*}Строка")]
        if not lines:
            message = "Не введено ни одной строки в список «Товары»"
            raise LoadError(message)
        before = self._shelf.objects.get(("Документ.ЗаказКлиента", ref), {})
        self._keep(
            "Документ.ЗаказКлиента",
            ref,
            date=_needed(key, "Дата"),
            number=_text(key, "Номер") or before.get("number") or self._next_number("ОБ"),
            organization=self._existing("Справочник.Организации", _below(key, "Организация"), "Организация"),
            contragent=self._contragent_of(_below(element, "Контрагент")),
            warehouse=None if warehouse is None else self._existing("Справочник.Склады", warehouse, "Склад"),
            currency=code,
            incoming=incoming,
            address=_text(element, "АдресДоставки"),
            comment=_text(element, "Комментарий") or _comment(element),
            total=_text(element, "Сумма"),
            lines=lines,
            posted=True,
        )

    def _line(self, row: Element) -> Spec:
        product, variant = self._good(_below(row, "ДанныеНоменклатуры"))
        vat = _below(row, "СтавкаНДС")
        return {
            "product": product,
            "variant": variant,
            "quantity": _needed(row, "Количество"),
            "price": _needed(row, "Цена"),
            "total": _text(row, "Сумма"),
            "vat": "" if vat is None else _rate(vat),
        }

    def _good(self, goods: Element | None) -> tuple[str, str]:
        product = self._existing("Справочник.Номенклатура", _below(goods, "Номенклатура"), "Номенклатура")
        variant = _below(goods, "Характеристика")
        if variant is None:
            return product, ""
        return product, self._existing("Справочник.ХарактеристикиНоменклатуры", variant, "Характеристика")

    def _existing(self, kind: str, key: Element | None, title: str) -> str:
        ref = _text(key, "Ссылка")
        spec = self._shelf.objects.get((kind, ref))
        if spec is None or spec.get("deleted"):
            message = f"Не заполнено поле «{title}»: ссылка {ref} не найдена"
            raise LoadError(message)
        return ref

    def _contragent_of(self, key: Element | None) -> str:
        """A contragent that is not there is created by its key, as 1C does."""
        ref = _needed(key, "Ссылка")
        if ("Справочник.Контрагенты", ref) not in self._shelf.objects:
            fields = {"name": _needed(key, "Наименование"), "legal": _needed(key, "ЮридическоеФизическоеЛицо")}
            self._keep("Справочник.Контрагенты", ref, **fields)
        return ref

    def _next_number(self, prefix: str) -> str:
        return f"{prefix}00-{len(self._shelf.objects):06}"


_LOADERS: Mapping[str, str] = MappingProxyType(
    {
        "Справочник.Номенклатура": "_product",
        "Справочник.ШтрихкодыНоменклатуры": "_barcode",
        "Справочник.Контрагенты": "_contragent",
        "Документ.УстановкаЦенНоменклатуры": "_prices",
        "Документ.ЗаказКлиента": "_order",
    }
)


def _below(element: Element | None, *names: str) -> Element | None:
    for name in names:
        element = None if element is None else element.find(f"{{*}}{name}")
    return element


def _text(element: Element | None, name: str) -> str:
    return "" if element is None else element.findtext(f"{{*}}{name}", "").strip()


def _needed(element: Element | None, name: str) -> str:
    found = _text(element, name)
    if not found:
        message = f"Не заполнено поле «{name}»"
        raise LoadError(message)
    return found


def _comment(element: Element) -> str:
    return _text(_below(element, "ОбщиеСвойстваОбъектовФормата"), "Комментарий")


def _rate(vat: Element) -> str:
    if len(vat):
        return "none" if _text(vat, "НеОблагается") == "true" else _text(vat, "Ставка")
    word = (vat.text or "").strip()
    return "none" if word == "БезНДС" else word.removeprefix("НДС")
