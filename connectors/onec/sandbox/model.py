"""What a base of each version has: its types and registers, the values of its enumerations, its limits.

Where a type stands in the public recording of a real base (UT 11.5) too, the two must agree; a contract test
compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from connectors.onec.sandbox.kinds import Register, Type, catalog
from connectors.onec.sandbox.objects.goods import goods_types
from connectors.onec.sandbox.objects.orders import ORDER, order_types
from connectors.onec.sandbox.objects.people import people_types
from connectors.onec.sandbox.objects.registers import hidden_registers, register_types
from connectors.onec.sandbox.objects.retail import MARKETPLACES, retail_types

__all__ = [
    "EXCHANGE_PLAN",
    "NEWEST",
    "ORDER",
    "STATUSES",
    "TARGETS",
    "TYPES",
    "VERSIONS",
    "Model",
    "model_of",
    "target",
]

VERSIONS = ("11.4.2", "11.5.8", "11.5.20")
NEWEST = VERSIONS[-1]
EXCHANGE_PLAN = "ExchangePlan_ОбменСКаналами"
STATUSES = ("НеСогласован", "КОбеспечению", "КОтгрузке", "Закрыт")
_SUPPLY = {
    "11.4.2": (
        "ОтгрузитьОбособленно",
        "Отгрузить",
        "СоСклада",
        "ИзЗаказов",
        "Обособленно",
        "Требуется",
        "НеТребуется",
    ),
    "11.5.8": (
        "УдалитьОтгрузитьОбособленно",
        "Отгрузить",
        "СоСклада",
        "РезервироватьПоМереПоступления",
        "УдалитьОбособленно",
        "КОбеспечению",
        "НеТребуется",
        "ПереданРанее",
    ),
    "11.5.20": (
        "Отгрузить",
        "СоСклада",
        "РезервироватьПоМереПоступления",
        "КОбеспечению",
        "НеТребуется",
        "ПереданРанее",
    ),
}
_VAT_NAMES = ("БезНДС", "НДС0", "НДС10", "НДС10_110", "НДС18", "НДС18_118", "НДС20", "НДС20_120")
_LENGTHS = {
    "Number": 11,
    "НаименованиеПолное": 1024,
    "Catalog_Партнеры.НаименованиеПолное": 250,
    "КиЗГИСМGTIN": 14,
    "Штрихкод": 200,
    "МагнитныйКод": 200,
    "Идентификатор": 50,
    "ЗначениеШтрихкода": 200,
}


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A version of UT. ``types`` and ``registers`` are those that can be published; ``hidden`` cannot.

    Each is made once, by ``model_of``, and equal to itself alone.

    ``supply`` are the values of ВариантОбеспечения, ``vat_names`` those of the enumeration of VAT rates, none
    where rates are a catalog. ``lengths`` are those to which 1C cuts a string without a word, by property or
    by type and property; the metadata of a real base does not tell them.
    """

    version: str
    types: Mapping[str, Type]
    registers: Mapping[str, Register]
    hidden: Mapping[str, Register]
    supply: tuple[str, ...]
    vat_names: tuple[str, ...]
    lengths: Mapping[str, int]

    @property
    def names(self) -> frozenset[str]:
        """Everything that an administrator can publish."""
        return frozenset({*self.types, *self.registers})

    @property
    def usual(self) -> frozenset[str]:
        """What is published where nothing else is said: neither another exchange nor its plan."""
        return self.names - {EXCHANGE_PLAN, MARKETPLACES}

    def length(self, type_name: str, name: str) -> int | None:
        """Return the length to which the property's strings are cut; None where it is not known."""
        return self.lengths.get(f"{type_name}.{name}", self.lengths.get(name))


@cache
def model_of(version: str) -> Model:
    """Return the model of a version. Raises ValueError for one that is not played."""
    if version not in VERSIONS:
        message = f"{version!r} is none of {', '.join(VERSIONS)}"
        raise ValueError(message)
    plan = catalog(longs="SentNo ReceivedNo", moments="ExchangeDate")
    nodes = {name: kind for name, kind in plan.properties.items() if not name.startswith("Predefined")}
    types = goods_types(version) | order_types(version) | people_types(version) | retail_types(version)
    return Model(
        version=version,
        types=MappingProxyType({**types, EXCHANGE_PLAN: Type(nodes)}),
        registers=MappingProxyType(register_types(version)),
        hidden=MappingProxyType(hidden_registers(version)),
        supply=_SUPPLY[version],
        vat_names=_VAT_NAMES if version == "11.4.2" else (),
        lengths={**_LENGTHS, "НомерПоДаннымКлиента": 50 if version == "11.5.20" else 30},
    )


_newest = model_of(NEWEST)
_all: dict[str, Type | Register] = {**_newest.types, **_newest.registers}
TYPES: Mapping[str, Type | Register] = MappingProxyType({name: _all[name] for name in sorted(_newest.usual)})
"""What the newest version usually publishes."""

TARGETS: Mapping[str, str] = MappingProxyType(
    {
        "Номенклатура": "Catalog_Номенклатура",
        "НоменклатураНабора": "Catalog_Номенклатура",
        "НоменклатураМногооборотнаяТара": "Catalog_Номенклатура",
        "Характеристика": "Catalog_ХарактеристикиНоменклатуры",
        "ХарактеристикаНабора": "Catalog_ХарактеристикиНоменклатуры",
        "ЧастичноеВыбытиеНоменклатура": "Catalog_Номенклатура",
        "ЧастичноеВыбытиеХарактеристика": "Catalog_ХарактеристикиНоменклатуры",
        "ХарактеристикаМногооборотнаяТара": "Catalog_ХарактеристикиНоменклатуры",
        "ХарактеристикаЦО": "Catalog_ХарактеристикиНоменклатурыДляЦенообразования",
        "ХарактеристикаНоменклатурыДляЦенообразования": "Catalog_ХарактеристикиНоменклатурыДляЦенообразования",
        "Упаковка": "Catalog_УпаковкиЕдиницыИзмерения",
        "УпаковкаЦО": "Catalog_УпаковкиЕдиницыИзмерения",
        "ЕдиницаИзмерения": "Catalog_УпаковкиЕдиницыИзмерения",
        "ВесЕдиницаИзмерения": "Catalog_УпаковкиЕдиницыИзмерения",
        "ДлинаЕдиницаИзмерения": "Catalog_УпаковкиЕдиницыИзмерения",
        "ОбъемЕдиницаИзмерения": "Catalog_УпаковкиЕдиницыИзмерения",
        "ПлощадьЕдиницаИзмерения": "Catalog_УпаковкиЕдиницыИзмерения",
        "ЕдиницаДляОтчетов": "Catalog_УпаковкиЕдиницыИзмерения",
        "ВидНоменклатуры": "Catalog_ВидыНоменклатуры",
        "ВладелецХарактеристик": "Catalog_ВидыНоменклатуры",
        "Марка": "Catalog_Марки",
        "Производитель": "Catalog_Производители",
        "InformationRegister_ШтрихкодыНоменклатуры.Производитель": "Catalog_Партнеры",
        "ВидЦены": "Catalog_ВидыЦен",
        "РозничныйВидЦены": "Catalog_ВидыЦен",
        "Валюта": "Catalog_Валюты",
        "ВалютаЦены": "Catalog_Валюты",
        "ВалютаКонвертацииБонусов": "Catalog_Валюты",
        "Catalog_Номенклатура.ФайлКартинки": "Catalog_НоменклатураПрисоединенныеФайлы",
        "Catalog_Номенклатура.ФайлОписанияДляСайта": "Catalog_НоменклатураПрисоединенныеФайлы",
        "Catalog_ХарактеристикиНоменклатуры.ФайлКартинки": "Catalog_ХарактеристикиНоменклатурыПрисоединенныеФайлы",
        "Catalog_НоменклатураПрисоединенныеФайлы.ВладелецФайла": "Catalog_Номенклатура",
        "Catalog_ХарактеристикиНоменклатурыПрисоединенныеФайлы.ВладелецФайла": "Catalog_ХарактеристикиНоменклатуры",
        "Свойство": "ChartOfCharacteristicTypes_ДополнительныеРеквизитыИСведения",
        "ВладелецДополнительныхЗначений": "ChartOfCharacteristicTypes_ДополнительныеРеквизитыИСведения",
        "Catalog_ЗначенияСвойствОбъектов.Owner": "ChartOfCharacteristicTypes_ДополнительныеРеквизитыИСведения",
        "Партнер": "Catalog_Партнеры",
        "Контрагент": "Catalog_Контрагенты",
        "ГоловнойКонтрагент": "Catalog_Контрагенты",
        "КлиентКонтрагент": "Catalog_Контрагенты",
        "ПроизводительИмпортерКонтрагент": "Catalog_Контрагенты",
        "Грузоотправитель": "Catalog_Контрагенты",
        "Грузополучатель": "Catalog_Контрагенты",
        "Организация": "Catalog_Организации",
        "Соглашение": "Catalog_СоглашенияСКлиентами",
        "Вид": "Catalog_ВидыКонтактнойИнформации",
        "ВидДляСписка": "Catalog_ВидыКонтактнойИнформации",
        "КартаЛояльности": "Catalog_КартыЛояльности",
        "Catalog_КартыЛояльности.Owner": "Catalog_ВидыКартЛояльности",
        "БонуснаяПрограммаЛояльности": "Catalog_БонусныеПрограммыЛояльности",
        "Склад": "Catalog_Склады",
        "СтавкаНДС": "Catalog_СтавкиНДС",
        "Приоритет": "Catalog_Приоритеты",
        "ПричинаОтмены": "Catalog_ПричиныОтменыЗаказовКлиентов",
        "КассаККМ": "Catalog_КассыККМ",
        "ЧекККМ": "Document_ЧекККМ",
        "ШтрихкодУпаковки": "Catalog_ШтрихкодыУпаковокТоваров",
    }
)
"""What references of these names point to, if need be by type; 1C names it only where it is published."""


def target(type_name: str, name: str) -> str:
    """Return what a reference property (without its ``_Key``) points to; empty where it is not known."""
    if name == "Parent":
        return type_name
    return TARGETS.get(f"{type_name}.{name}", TARGETS.get(name, ""))
