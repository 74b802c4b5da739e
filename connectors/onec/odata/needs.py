"""Which objects of 1C each entity reads or writes, by the names that an administrator looks for.

The composition of the interface is chosen object by object, so "something is not published" helps nobody: what is
said here is what ``check`` tells to add, what the reader asks for, and what is kept of ``$metadata``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from obmen.errors import ConfigurationError

GOODS = "Catalog_Номенклатура"
CHARACTERISTICS = "Catalog_ХарактеристикиНоменклатуры"
UNITS = "Catalog_УпаковкиЕдиницыИзмерения"
KINDS = "Catalog_ВидыНоменклатуры"
BRANDS = "Catalog_Марки"
MAKERS = "Catalog_Производители"
VAT_RATES = "Catalog_СтавкиНДС"
FEATURES = "ChartOfCharacteristicTypes_ДополнительныеРеквизитыИСведения"
VALUES = "Catalog_ЗначенияСвойствОбъектов"
VALUES_TREE = "Catalog_ЗначенияСвойствОбъектовИерархия"
BARCODES = "InformationRegister_ШтрихкодыНоменклатуры"
PICTURES = "Catalog_НоменклатураПрисоединенныеФайлы"
CHARACTERISTIC_PICTURES = "Catalog_ХарактеристикиНоменклатурыПрисоединенныеФайлы"
PRICES = "InformationRegister_ЦеныНоменклатуры"
PRICES_25 = "InformationRegister_ЦеныНоменклатуры25"
PRICE_TYPES = "Catalog_ВидыЦен"
CURRENCIES = "Catalog_Валюты"
WAREHOUSES = "Catalog_Склады"
SUPPLY_AND_NEED = "AccumulationRegister_ЗапасыИПотребности"
ALLOCATION = "InformationRegister_РаспределениеЗапасов"
FREE_STOCK = "AccumulationRegister_СвободныеОстатки"
ON_HAND = "AccumulationRegister_ТоварыНаСкладах"
MARKETPLACES = "Catalog_УчетныеЗаписиМаркетплейсов"
MARKS = "Catalog_ШтрихкодыУпаковокТоваров"
MARKS_IN_FULL = "InformationRegister_ПулКодовМаркировкиСУЗ"

STOCK_SOURCES = (SUPPLY_AND_NEED, ALLOCATION, FREE_STOCK, ON_HAND)
"""Where free stock is told, the best source first."""

PUBLISH = (
    "The administrator of 1C adds it to the composition of the standard OData interface (the method"
    " УстановитьСоставСтандартногоИнтерфейсаOData, or «Настройка стандартного интерфейса OData»)."
)
_KINDS = {
    "Document_": "Документ.",
    "Catalog_": "Справочник.",
    "InformationRegister_": "РегистрСведений.",
    "AccumulationRegister_": "РегистрНакопления.",
    "ChartOfCharacteristicTypes_": "ПланВидовХарактеристик.",
    "ExchangePlan_": "ПланОбмена.",
}


@dataclass(frozen=True, slots=True)
class Need:
    """An object that an entity needs; any one of ``objects`` will do.

    ``without`` says what is lost where none of them is published; empty where the entity cannot do without.
    """

    objects: tuple[str, ...]
    without: str = ""

    def met(self, published: Collection[str]) -> bool:
        """Whether one of the objects is published."""
        return any(name in published for name in self.objects)


NEEDS: Mapping[str, tuple[Need, ...]] = {
    "product": (
        Need((GOODS,)),
        Need((CHARACTERISTICS,)),
        Need((BARCODES,), "goods have no barcodes"),
        Need((UNITS,), "goods have neither unit nor weight"),
        Need((VAT_RATES,), "goods have no VAT rate"),
        Need((BRANDS, MAKERS), "goods have no brand"),
        Need((KINDS,), "goods have no ВидНоменклатуры"),
        Need((FEATURES,), "goods have no additional attributes"),
        Need((VALUES,), "additional attributes chosen from a list are left out"),
        Need((PICTURES,), "pictures are not noticed"),
    ),
    "price": (
        Need((PRICES_25, PRICES)),
        Need((PRICE_TYPES,)),
        Need((CURRENCIES,)),
        Need((GOODS,)),
        Need((CHARACTERISTICS,)),
        Need((UNITS,), "a price that is set for a package is refused"),
    ),
    "stock": (
        Need(STOCK_SOURCES),
        Need((WAREHOUSES,)),
        Need((GOODS,), "what is sold out is left out instead of told as zero, so the flow needs missing: zero"),
        Need((CHARACTERISTICS,), "the same is so of characteristics"),
    ),
    "order": (Need(("Document_ЗаказКлиента",)),),
    "order_status": (
        Need(("Document_ЗаказКлиента",)),
        Need(("Document_РеализацияТоваровУслуг",), "it is not seen that an order was shipped"),
        Need(("Document_ЗаявкаНаВозвратТоваровОтКлиента",), "goods of orders cancelled after the shipment are a task"),
        Need(("Catalog_ПричиныОтменыЗаказовКлиентов",), "channels are not told why people in 1C cancel an order"),
        Need((MARKS,), "channels are not told the marking codes of what is shipped"),
        Need((MARKS_IN_FULL,), "channels are not told the marking codes of what is shipped"),
    ),
    "customer": (
        Need(("Catalog_Партнеры", "Catalog_Контрагенты")),
        Need(("Catalog_КартыЛояльности",), "customers have no cards"),
    ),
    "bonus_account": (
        Need(("Catalog_КартыЛояльности",)),
        Need(("AccumulationRegister_БонусныеБаллы",)),
        Need(("Catalog_ВидыКартЛояльности",), "cards have neither level nor programme"),
    ),
    "bonus_operation": (
        Need(("Document_НачислениеИСписаниеБонусныхБаллов",)),
        Need(("Catalog_КартыЛояльности",)),
    ),
    "return": (Need(("Document_ВозвратТоваровОтКлиента", "Document_ЗаявкаНаВозвратТоваровОтКлиента")),),
    "receipt": (
        Need(("Document_ЧекККМ", "Document_ОтчетОРозничныхПродажах")),
        Need(("Document_ЧекККМВозврат",), "returns at the till are not read"),
    ),
}
"""Entity → what it needs. VAT rates are a catalog in 11.5 alone, and older bases scan no codes; see ``missing``."""
_NEWER = frozenset({VAT_RATES, MARKS, MARKS_IN_FULL})

_ALSO = (
    CHARACTERISTIC_PICTURES,
    VALUES_TREE,
    MARKETPLACES,
    "Catalog_ДоговорыКонтрагентов",
    "Catalog_Пользователи",
    "Catalog_СтруктураПредприятия",
    "Catalog_Приоритеты",
    "Catalog_ПричиныОтменыЗаказовКлиентов",
    "Catalog_Организации",
    "Catalog_Партнеры",
    "Catalog_Контрагенты",
    "Catalog_КонтактныеЛицаПартнеров",
    "Catalog_ВидыКонтактнойИнформации",
    "Catalog_СоглашенияСКлиентами",
    "Catalog_КартыЛояльности",
    "Catalog_ВидыКартЛояльности",
    "Catalog_БонусныеПрограммыЛояльности",
    "Catalog_КассыККМ",
    "Document_ЗаказКлиента",
    "Document_РеализацияТоваровУслуг",
    "Document_ВозвратТоваровОтКлиента",
    "Document_ЗаявкаНаВозвратТоваровОтКлиента",
    "Document_ЧекККМ",
    "Document_ЧекККМВозврат",
    "Document_ОтчетОРозничныхПродажах",
    "Document_ОтчетОРозничныхВозвратах",
    "Document_НачислениеИСписаниеБонусныхБаллов",
    "Document_УстановкаЦенНоменклатуры",
    "AccumulationRegister_БонусныеБаллы",
    "InformationRegister_БонусныеБаллыКСписанию",
    "InformationRegister_СостоянияЗаказовКлиентов",
    "InformationRegister_ДвоичныеДанныеФайлов",
)
OBJECTS = tuple(sorted({*_ALSO, *(name for needs in NEEDS.values() for need in needs for name in need.objects)}))
"""The objects whose properties the connector looks at; others are known by name alone."""


def missing(entity: str, published: Collection[str], *, vat_is_catalog: bool) -> Iterator[Need]:
    """Yield what an entity lacks in what is published."""
    for need in NEEDS.get(entity, ()):
        if need.met(published) or (not _NEWER.isdisjoint(need.objects) and not vat_is_catalog):
            continue
        yield need


def demand(entity: str, published: Collection[str]) -> None:
    """Raise ConfigurationError, with what to add, where an entity lacks something that it cannot do without."""
    lacking = [need for need in missing(entity, published, vat_is_catalog=False) if not need.without]
    if lacking:
        message = f"This base does not publish what {entity} needs: {'; '.join(map(told, lacking))}. {PUBLISH}"
        raise ConfigurationError(message)


def told(need: Need) -> str:
    """Return a need as an administrator reads it."""
    return " or ".join(russian(name) for name in need.objects)


def russian(entity_set: str) -> str:
    """Return the object's name as the administrator of 1C sees it: ``Справочник.Организации``."""
    for prefix, kind in _KINDS.items():
        if entity_set.startswith(prefix):
            return kind + entity_set.removeprefix(prefix)
    return entity_set
