"""Turns a slice into native records: JSON-like dicts in the words of CommerceML, names without namespaces.

What depends on the version of the schema is made one here: quantities in attributes or in elements, values of
properties as texts or as ids of a list, deletion as an attribute or as a mark. Values themselves are left as
they stand (a price in words, a negative rest), so that the mapping refuses them where people can see it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from connectors.onec.commerceml.classifier import Classifier, Element, children, local, text_of, texts_of
from connectors.onec.commerceml.outline import GOOD, OFFER
from connectors.onec.commerceml.slicer import as_element
from obmen.errors import Refused
from obmen.records import Native

SEPARATOR = b"\0"
"""Stands between a good and its offer in a product's slice; no XML holds it."""
MAIN_WAREHOUSE = "Основной склад"
_DEEPEST = 32
_YES = {"true", "1", "да", "истина"}
_NOT_OF_A_PRODUCT = {"Цены", "Остатки", "Количество", "Склад", "Склады"}
_VALUES = {"Значение", "ИдЗначения"}
_LISTS = {"Штрихкод", "Картинка"}
_VARIANT = "#"
_ONE = re.compile(r"1([.,]0*)?")


@dataclass(slots=True)
class Decoder:
    """Decodes slices by what the classifier holds when it is made."""

    classifier: Classifier
    price_types: dict[str, str] = field(init=False)
    warehouses: dict[str, str] = field(init=False)
    _around: tuple[bytes, bytes] = field(init=False)
    _parser: etree.XMLParser[Any] = field(init=False)

    def __post_init__(self) -> None:
        """Take over the names, and the namespaces that records may use."""
        self.price_types = self.classifier.price_type_names()
        self.warehouses = self.classifier.warehouse_names()
        declared = "".join(f' xmlns:{p}="{_quoted(uri)}"' for p, uri in self.classifier.prefixes.items())
        self._around = f"<x{declared}>".encode(), b"</x>"
        self._parser = etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
        )

    def products(self, raw: bytes) -> Iterator[Native]:
        """Yield the product of a slice: a good, an offer, or a good and its offer.

        Raises Refused (not_xml, too_deep, no_id), as the other two do.
        """
        parts = [self.element(part, OFFER) for part in raw.split(SEPARATOR)]
        good = next((_fields(part, self.classifier) for part in parts if local(part) == GOOD), None)
        offer = next((_fields(part, self.classifier) for part in parts if local(part) == OFFER), None)
        if good is None or offer is None:
            yield _alone(good or offer or {})
        else:
            yield _joined(good, offer)

    def prices(self, raw: bytes) -> Iterator[Native]:
        """Yield the prices of an offer, one for each type.

        Where a type stands for several units, the price of the base unit (Коэффициент 1) is taken.
        """
        offer = self.element(raw, OFFER)
        offer_id = id_of(offer)
        by_type: dict[str, Native] = {}
        for price in _below(offer, "Цены", "Цена"):
            type_id = text_of(price, "ИдТипаЦены")
            name = self.price_types.get(type_id, type_id)
            native = {"Ид": offer_id, "ИдТипаЦены": type_id, "ТипЦены": name}
            for field_ in ("ЦенаЗаЕдиницу", "Валюта", "Коэффициент", "Единица"):
                if text := text_of(price, field_):
                    native[field_] = text
            if currency := self.classifier.price_types.get(type_id, ("", ""))[1]:
                native.setdefault("Валюта", currency)
            if type_id not in by_type or (_base(native) and not _base(by_type[type_id])):
                by_type[type_id] = native
        yield from by_type.values()

    def stocks(self, raw: bytes) -> Iterator[Native]:
        """Yield the rests of an offer by warehouse; a total without warehouses is the main one's."""
        offer = self.element(raw, OFFER)
        offer_id = id_of(offer)
        rests = [*_rests(offer)]
        for warehouse, count in [rest for rest in rests if rest[0]] or rests:
            name = self.warehouses.get(warehouse, warehouse) if warehouse else MAIN_WAREHOUSE
            yield {"Ид": offer_id, "ИдСклада": warehouse, "Склад": name, "Количество": count}

    def element(self, piece: bytes, record: str) -> Element:
        """Return a slice as an element. Raises Refused (not_xml)."""
        try:
            begin, end = self._around
            around = etree.fromstring(begin + as_element(piece, record) + end, self._parser)
        except etree.XMLSyntaxError as error:
            raise Refused(f"The record is no XML: {error.msg}.", code="not_xml") from error
        element: Element = around[0]
        return element


def _rests(parent: Element) -> Iterator[tuple[str, str]]:
    """Yield warehouse (empty for a total) and rest. 1C writes a zero as an empty attribute too."""
    for child in parent:
        name = local(child)
        if name == "Остатки":
            yield from _listed_rests(child)
        elif name == "Количество" and (total := (child.text or "").strip()):
            yield "", total
        elif name in {"Склад", "Склады"}:
            count = child.get("КоличествоНаСкладе")
            if count is not None:
                yield child.get("ИдСклада", "").strip(), count.strip() or "0"
            elif inner := text_of(child, "Количество"):
                yield text_of(child, "Ид"), inner
            else:
                yield from _rests(child)


def _listed_rests(rests: Element) -> Iterator[tuple[str, str]]:
    for rest in children(rests, "Остаток"):
        warehouses = [*children(rest, "Склад")]
        for warehouse in warehouses:
            yield text_of(warehouse, "Ид"), text_of(warehouse, "Количество")
        if not warehouses:
            yield "", text_of(rest, "Количество")


def _base(price: Native) -> bool:
    return _ONE.fullmatch(price.get("Коэффициент", "1")) is not None


def _alone(native: Native) -> Native:
    """A product known by one element only; whether a variant shares its article cannot be seen there."""
    good_id, is_variant, _ = native["Ид"].partition(_VARIANT)
    if is_variant:
        _part_with_article(native, good_id, native.get("Артикул", ""))
    return native


def _joined(good: Native, offer: Native) -> Native:
    """A good and its offer: of a variant the offer's own fields win, else it fills in what the good lacks."""
    good_id, is_variant, _ = offer["Ид"].partition(_VARIANT)
    below, above = (good, offer) if is_variant else (offer, good)
    native = below | {name: value for name, value in above.items() if value or name not in below}
    native["Ид"] = offer["Ид"]
    native["Удален"] = good["Удален"] or offer["Удален"]
    for name in ("Свойства", "Реквизиты"):
        if name in good and name in offer:
            native[name] = below[name] | above[name]
    if is_variant:
        _part_with_article(native, good_id, good.get("Артикул", ""))
    return native


def _part_with_article(native: Native, good_id: str, article: str) -> None:
    native["ИдТовара"] = good_id
    if article:
        native["АртикулТовара"] = article
        if native.get("Артикул") == article:
            del native["Артикул"]


def _fields(element: Element, classifier: Classifier) -> Native:
    native: Native = {"Ид": id_of(element), "Удален": False}
    for child in element:
        name = local(child)
        special = _SPECIAL.get(name)
        if special is not None:
            special(native, child, classifier)
        elif name not in _NOT_OF_A_PRODUCT and name != "Ид":
            _put(native, name, _value(child))
    status = element.get("Статус") or native.pop("Статус", "")
    mark = native.pop("ПометкаУдаления", "")
    native["Удален"] = str(status).casefold().startswith("удал") or str(mark).casefold() in _YES
    return native


def id_of(element: Element) -> str:
    """Return a record's Ид, ``GUID`` or ``GUID#GUID`` of its characteristic. Raises Refused (no_id)."""
    found = text_of(element, "Ид")
    if not found:
        raise Refused(f"The {local(element)} has no Ид, by which it could be known again.", code="no_id")
    apart = text_of(element, "ИдХарактеристики") if local(element) == OFFER else ""
    return f"{found}{_VARIANT}{apart}" if apart and _VARIANT not in found else found


def _value(element: Element, depth: int = 1) -> Any:
    """Return an element as its text, or as a dict of its attributes and children where it has any."""
    if depth > _DEEPEST:
        raise Refused(f"The record's elements are nested deeper than {_DEEPEST}.", code="too_deep")
    text = (element.text or "").strip()
    if not len(element) and not element.keys():
        return text
    fields: Native = {str(name): str(said).strip() for name, said in element.items() if name[0] != "{"}
    for child in element:
        _put(fields, local(child), _value(child, depth + 1))
    if not fields:
        return text
    if text:
        fields["Текст"] = text
    return fields


def _put(fields: Native, name: str, value: Any) -> None:
    if name in _LISTS:
        fields.setdefault(name, []).append(value)
    elif name not in fields:
        fields[name] = value
    elif isinstance(fields[name], list):
        fields[name].append(value)
    else:
        fields[name] = [fields[name], value]


def _groups(native: Native, element: Element, classifier: Classifier) -> None:
    native["Группы"] = [(child.text or "").strip() for child in children(element, "Ид")]
    path = next((classifier.groups[group] for group in native["Группы"] if group in classifier.groups), None)
    if path:
        native["ПутьГруппы"] = list(path)


def _properties(native: Native, element: Element, classifier: Classifier) -> None:
    found = []
    for entry in children(element, "ЗначенияСвойства"):
        said = [(local(part), (part.text or "").strip()) for part in entry]
        known = dict(said)
        property_id = known.get("Ид", "")
        unknown: tuple[str, dict[str, str]] = known.get("Наименование") or property_id, {}
        name, listed = classifier.properties.get(property_id, unknown)
        found += [(name, listed.get(text, text)) for part, text in said if part in _VALUES and text]
    _add(native, "Свойства", found)


def _characteristics(native: Native, element: Element, classifier: Classifier) -> None:  # noqa: ARG001 - one of _SPECIAL
    _add(native, "Свойства", _named_values(element, "ХарактеристикаТовара", "Значение"))


def _requisites(native: Native, element: Element, classifier: Classifier) -> None:  # noqa: ARG001 - one of _SPECIAL
    _add(native, "Реквизиты", _named_values(element, "ЗначениеРеквизита", "Значение"))


def _taxes(native: Native, element: Element, classifier: Classifier) -> None:  # noqa: ARG001 - one of _SPECIAL
    _add(native, "СтавкиНалогов", _named_values(element, "СтавкаНалога", "Ставка"))


def _unit(native: Native, element: Element, classifier: Classifier) -> None:
    value = _value(element)
    unit: Native = value if isinstance(value, dict) else {"Текст": value}
    text = unit.pop("Текст", "")
    known = classifier.units.get(text) or classifier.units.get(unit.get("Код", ""), {})
    if text and not text.isdigit():
        unit["НаименованиеКраткое"] = text
    elif text:
        unit.setdefault("Код", text)
    native["БазоваяЕдиница"] = {name: known[name] for name in _UNIT if name in known} | unit


def _named_values(element: Element, entry: str, value: str) -> list[tuple[str, str]]:
    said = [texts_of(child) for child in children(element, entry)]
    return [(one["Наименование"], one[value]) for one in said if one.get("Наименование") and one.get(value)]


def _add(native: Native, name: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Add values by name; different values of one name stand one after the other."""
    fields = native.setdefault(name, {})
    for key, text in pairs:
        known = fields.get(key)
        if known is None:
            fields[key] = text
        elif text not in known.split("; "):
            fields[key] = f"{known}; {text}"


def _below(element: Element, *names: str) -> Iterable[Element]:
    found: Iterable[Element] = (element,)
    for name in names:
        found = [child for parent in found for child in children(parent, name)]
    return found


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


_UNIT = ("Код", "НаименованиеКраткое", "НаименованиеПолное", "МеждународноеСокращение")
_SPECIAL: dict[str, Callable[[Native, Element, Classifier], None]] = {
    "Группы": _groups,
    "ЗначенияСвойств": _properties,
    "ХарактеристикиТовара": _characteristics,
    "ЗначенияРеквизитов": _requisites,
    "СтавкиНалогов": _taxes,
    "БазоваяЕдиница": _unit,
}
