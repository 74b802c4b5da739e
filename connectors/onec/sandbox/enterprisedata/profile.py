"""What the three versions of UT know of the format: its versions, and the objects that go either way.

11.4.2 follows the published manager module. The manager of 11.5 is not public, so what stands here for it is an
assumption, and nothing may be built upon it: a base tells what it knows in its header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_CATALOGS = (
    "Справочник.Валюты",
    "Справочник.Договоры",
    "Справочник.ЕдиницыИзмерения",
    "Справочник.Контрагенты",
    "Справочник.Номенклатура",
    "Справочник.НоменклатураГруппа",
    "Справочник.Организации",
    "Справочник.Склады",
    "Справочник.ТипыЦен",
    "Справочник.ФизическиеЛица",
    "Справочник.ХарактеристикиНоменклатуры",
    "Справочник.ШтрихкодыНоменклатуры",
)
_SENDS = (*_CATALOGS, "Документ.ЗаказКлиента", "Документ.УстановкаЦенНоменклатуры")
_RECEIVES = (*_CATALOGS, "Документ.ЗаказКлиента", "Документ.УстановкаЦенНоменклатуры")


@dataclass(frozen=True, slots=True)
class Profile:
    """The versions of the format, the one in which the node begins, and what goes either way."""

    versions: tuple[str, ...]
    sends: tuple[str, ...]
    receives: tuple[str, ...]


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "11.4.2": Profile(("1.6", "1.7", "1.8"), _SENDS, _RECEIVES),
        "11.5.8": Profile(
            ("1.8", "1.17"), (*_SENDS, "Справочник.ДисконтныеКарты", "Документ.ОтчетОРозничныхПродажах"), _RECEIVES
        ),
        "11.5.20": Profile(
            ("1.8", "1.17", "1.21"),
            (
                *_SENDS,
                "Справочник.ДисконтныеКарты",
                "Справочник.СостояниеЗаказа",
                "Документ.ОтчетОРозничныхПродажах",
            ),
            _RECEIVES,
        ),
    }
)
