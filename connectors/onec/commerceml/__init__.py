"""CommerceML: the files in which 1C gives its goods, prices and rests away.

Reads what the schema 2.03–3.1 may hold in a file, a folder or a folder of unpacked portions, in flat memory
and without parsing what did not change. Source of the shapes: real exports of 1C:Управление торговлей 11 and
of the 1C-Битрикс module.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.onec.commerceml.export import look_at
from connectors.onec.commerceml.facets import PRICES, STOCKS, read_facet
from connectors.onec.commerceml.problems import Problem, find_problems
from connectors.onec.commerceml.products import read_products
from obmen.records import Page

__all__ = ["CommerceML", "Problem"]


class CommerceML:
    """An export in a file or a folder; every call looks at it anew.

    All methods raise ConfigurationError if there is nothing at ``path``, IncompleteSource if a file is not
    whole, changes while it is read, or is no XML around its records.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def products(self) -> Iterator[Page]:
        """Yield the sellable variants.

        Natives are a good's own elements by their names, with lists for Штрихкод, Картинка and Группы, and
        ``Ид`` (``GUID`` or ``GUID#GUID``), ``ИдТовара`` (of a variant), ``ПутьГруппы`` (names from the root),
        ``Свойства``, ``Реквизиты`` and ``СтавкиНалогов`` (values by name), ``Удален``. ``Артикул`` is the
        variant's own; the one that it shares with its siblings is ``АртикулТовара``.
        """
        return read_products(look_at(self.path))

    def prices(self) -> Iterator[Page]:
        """Yield prices.

        Natives: ``Ид``, ``ИдТипаЦены``, ``ТипЦены``, ``ЦенаЗаЕдиницу``, ``Валюта``, ``Коэффициент`` and
        ``Единица``, as far as the export tells them.
        """
        return read_facet(look_at(self.path), PRICES)

    def stocks(self) -> Iterator[Page]:
        """Yield rests by warehouse: ``Ид``, ``ИдСклада``, ``Склад``, ``Количество``."""
        return read_facet(look_at(self.path), STOCKS)

    def price_types(self) -> dict[str, str]:
        """Return the names of the price types by their ids, as natives show them."""
        return look_at(self.path).classifier.price_type_names()

    def warehouses(self) -> dict[str, str]:
        """Return the names of the warehouses by their ids, as natives show them."""
        return look_at(self.path).classifier.warehouse_names()

    def problems(self) -> Iterator[Problem]:
        """Yield what would go wrong in a run, with file and line of each place; reads everything once."""
        return find_problems(look_at(self.path))
