"""Hands that keep the catalogue: goods, characteristics, barcodes, properties, pictures, prices, stock."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.onec.sandbox import references
from connectors.onec.sandbox.books import item_id, prices, split_id, stock
from connectors.onec.sandbox.hands.desk import Desk, item_row, numbered
from connectors.onec.sandbox.kinds import NAMESPACE, NO_REF
from connectors.onec.sandbox.objects import goods as names
from connectors.onec.sandbox.objects.registers import BARCODES, FILES
from connectors.onec.sandbox.objects.retail import PRICE_SETTING, SHORTAGE, SURPLUS

Feature = str | Decimal | int | bool | datetime.datetime
DEFAULT_WAREHOUSE = "Основной склад"


@dataclass(frozen=True, slots=True)
class Variant:
    """A characteristic of a good, with barcodes, prices by price type and stock by warehouse of its own."""

    name: str
    barcodes: Sequence[str] = ()
    prices: Mapping[str, Any] = field(default_factory=dict)
    stock: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Feature] = field(default_factory=dict)


class GoodsHands(Desk):
    """Enters goods and what is known of them. Products are named by ``GUID`` or ``GUID#GUID``."""

    def add_group(self, name: str, parent: str = "") -> str:
        """Make a folder of goods; return its reference."""
        own = {"Description": name, "IsFolder": True, "Parent_Key": parent or NO_REF}
        return self._create(names.GOODS, own)

    def add_kind(self, name: str, characteristics: Sequence[str] = ()) -> str:
        """Make a kind of goods whose goods share these characteristics; return its reference."""
        shared = "ОбщиеДляВидаНоменклатуры" if characteristics else "НеИспользовать"
        own = {"ИспользованиеХарактеристик": shared, "ИспользоватьХарактеристики": bool(characteristics)}
        kind = self._create(names.KINDS, {"Description": name, "ТипНоменклатуры": "Товар", **own})
        for characteristic in characteristics:
            self._add_characteristic(kind, names.KINDS, characteristic, {})
        return kind

    def add_good(
        self,
        name: str,
        article: str = "",
        *,
        ref: str = NO_REF,
        group: str = "",
        kind: str = references.KIND,
        barcodes: Sequence[str] = (),
        characteristics: Sequence[str | Variant] = (),
        prices: Mapping[str, Any] | None = None,
        stock: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Feature] | None = None,
        texts: Mapping[str, str] | None = None,
        images: Sequence[bytes] = (),
        brand: str = "",
        maker: str = "",
        vat: str = "20",
        unit: str = references.PIECE,
        weight: Decimal | None = None,
        **more: Any,
    ) -> str:
        """Enter a good; return its GUID.

        ``prices`` by price type, ``stock`` by warehouse (names or references); ``attributes`` are chosen from
        lists of values where they are strings, ``texts`` are written out; ``vat`` is a key of
        ``references.VAT``; ``weight`` is in kilograms; ``more`` are properties by 1C's names.
        """
        own: dict[str, Any] = {
            "Ref_Key": ref,
            "Description": name,
            "НаименованиеПолное": name,
            "Артикул": article,
            "Parent_Key": group or NO_REF,
            "ВидНоменклатуры_Key": kind,
            "ТипНоменклатуры": "Товар",
            "ЕдиницаИзмерения_Key": unit,
            "Качество": "Новый",
            "ИспользованиеХарактеристик": self._use(kind, characteristics),
            "ДополнительныеРеквизиты": self._features(attributes or {}, texts or {}),
            **self._vat(vat),
            **self._weight(weight),
        }
        with self.lock:
            own |= {"Марка_Key": self._once(names.BRANDS, brand), "Производитель_Key": self._once(names.MAKERS, maker)}
            if own["ИспользованиеХарактеристик"] == "ОбщиеДляВидаНоменклатуры":
                own["ВладелецХарактеристик_Key"] = kind
            good = self._create(names.GOODS, {**own, **more})
            wanted = [(good, barcodes, prices or {}, stock or {})]
            for variant in (Variant(one) if isinstance(one, str) else one for one in characteristics):
                made = self._add_characteristic(good, names.GOODS, variant.name, variant.attributes)
                wanted.append((item_id(good, made), variant.barcodes, variant.prices, variant.stock))
            self._stock_up(wanted)
            for at, image in enumerate(images):
                self.add_image(good, image, f"{article or name} {at + 1}", main=at == 0)
        return good

    def characteristic(self, good: str, name: str) -> str:
        """Return the id, ``GUID#GUID``, of a good's characteristic by its name. Raises KeyError."""
        owners = {good, self.base.objects[names.GOODS][good]["ВладелецХарактеристик_Key"]}
        for ref, record in self.base.objects[names.CHARACTERISTICS].items():
            if record["Owner"] in owners and record["Description"] == name:
                return item_id(good, ref)
        raise KeyError(name)

    def items(self, good: str) -> list[str]:
        """Return the ids of a good: its own, then those of its own characteristics."""
        own = self.base.objects[names.CHARACTERISTICS].items()
        return [good, *(item_id(good, ref) for ref, record in own if record["Owner"] == good)]

    def add_price_type(self, name: str, currency: str = references.ROUBLE) -> str:
        """Make a price type; return its reference."""
        own = {"Description": name, "ВалютаЦены_Key": currency, "ЦенаВключаетНДС": True, "Идентификатор": name}
        return self._create(names.PRICE_TYPES, {**own, "ИспользоватьПриПродаже": True})

    def add_warehouse(self, name: str) -> str:
        """Make a warehouse; return its reference."""
        return self._create(names.WAREHOUSES, {"Description": name, "ТипСклада": "ОптовыйСклад"})

    def add_unit(self, good: str, name: str, coefficient: Any) -> str:
        """Make a package of a good that holds so many of its units; return its reference."""
        own = {"Owner": good, "Owner_Type": f"{NAMESPACE}.{names.GOODS}", "Description": name}
        return self._create(names.UNITS, {**own, "Числитель": coefficient, "Знаменатель": 1})

    def add_barcode(self, item: str, code: str, package: str = NO_REF) -> None:
        """Give a product, or a package of it, a barcode."""
        with self.lock:
            self.base.registers.put(BARCODES, {"Штрихкод": code, **item_row(item, Упаковка_Key=package)})

    def remove_barcode(self, code: str) -> None:
        """Take a barcode away."""
        with self.lock:
            self.base.registers.remove(BARCODES, lambda row: row["Штрихкод"] == code)

    def add_image(
        self,
        item: str,
        content: bytes,
        name: str = "picture",
        *,
        extension: str = "jpg",
        main: bool = False,
        stored: str = "register",
    ) -> str:
        """Attach a picture to a product; return the file's reference.

        ``stored``: in the ``register`` of files, in the ``catalog`` itself, or on a ``volume`` that OData does
        not reach.
        """
        product, characteristic = split_id(item)
        catalog = names.PICTURES if characteristic == NO_REF else names.CHARACTERISTIC_PICTURES
        owner = product if characteristic == NO_REF else characteristic
        kind = f"image/{'jpeg' if extension == 'jpg' else extension}"
        data = base64.b64encode(content).decode()
        own = {
            "ВладелецФайла_Key": owner,
            "Description": name,
            "Расширение": extension,
            "Размер": str(len(content)),
            "ТипХраненияФайла": "ВТомахНаДиске" if stored == "volume" else "ВИнформационнойБазе",
            "ПутьКФайлу": f"{name}.{extension}" if stored == "volume" else "",
            "ДатаСоздания": self.base.local_time(),
            "ДатаМодификацииУниверсальная": self.base.local_time(),
        }
        if stored == "catalog":
            own |= {"ФайлХранилище_Base64Data": data, "ФайлХранилище_Type": kind}
        with self.lock:
            ref = self._create(catalog, own)
            if stored == "register":
                held = {"ДвоичныеДанныеФайла_Base64Data": data, "ДвоичныеДанныеФайла_Type": kind}
                self.base.registers.put(FILES, {"Файл": ref, "Файл_Type": f"{NAMESPACE}.{catalog}", **held})
            if main:
                self.change(owner, ФайлКартинки_Key=ref)
        return ref

    def set_price(self, item: str, price_type: str, amount: Any, *, at: str = "", package: str = NO_REF) -> str:
        """Set a price from now, or from a local time such as ``2026-06-15T00:00:00``; return the document."""
        row = item_row(item, ВидЦены_Key=self._named(names.PRICE_TYPES, price_type), Цена=amount)
        return self._set_prices([{**row, "Упаковка_Key": package}], at)

    def move_stock(
        self,
        item: str,
        quantity: Any,
        warehouse: str = DEFAULT_WAREHOUSE,
        *,
        purpose: str = NO_REF,
        department: str = NO_REF,
    ) -> str:
        """Bring goods to a warehouse, or take them off if the quantity is negative; return the document.

        Goods with a ``purpose`` are kept for it and free to nobody; those in a ``department`` lie at no warehouse.
        """
        row = item_row(item, Количество=abs(quantity), Назначение_Key=purpose)
        place = NO_REF if department != NO_REF else self._named(names.WAREHOUSES, warehouse)
        return self._move([row], place, department, leaves=quantity < 0)

    def price(self, item: str, price_type: str) -> Any:
        """Return the price that holds now; None where there is none."""
        with self.lock:
            return prices(self.base).get(item, {}).get(price_type)

    def free_stock(self, item: str, warehouse: str = DEFAULT_WAREHOUSE) -> Any:
        """Return how much of a product is free at a warehouse."""
        with self.lock:
            return stock(self.base).get(item, {}).get(warehouse, {}).get("free", 0)

    # -- behind it -------------------------------------------------------------------------------------------

    def _stock_up(self, wanted: Sequence[tuple[str, Sequence[str], Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Enter barcodes, prices and stock of several products, with as few documents as it takes."""
        priced: list[dict[str, Any]] = []
        places: dict[str, list[dict[str, Any]]] = {}
        for item, barcodes, own_prices, own_stock in wanted:
            for code in barcodes:
                self.add_barcode(item, code)
            for price_type, amount in own_prices.items():
                priced.append(item_row(item, ВидЦены_Key=self._named(names.PRICE_TYPES, price_type), Цена=amount))
            for warehouse, quantity in own_stock.items():
                place = self._named(names.WAREHOUSES, warehouse)
                places.setdefault(place, []).append(item_row(item, Количество=quantity))
        if priced:
            self._set_prices(priced)
        for place, rows in places.items():
            self._move(rows, place)

    def _set_prices(self, rows: Sequence[Mapping[str, Any]], at: str = "") -> str:
        types = dict.fromkeys(row["ВидЦены_Key"] for row in rows)
        sections = {"ВидыЦен": numbered({"ВидЦены_Key": ref} for ref in types), "Товары": numbered(rows)}
        dated = {"Date": at} if at else {}
        return self._post(PRICE_SETTING, {"Статус": "Согласован", "Согласован": True, **dated, **sections})

    def _move(
        self, rows: Sequence[Mapping[str, Any]], warehouse: str, department: str = NO_REF, *, leaves: bool = False
    ) -> str:
        places = {"Склад_Key": warehouse, "Подразделение_Key": department}
        own = {"Организация_Key": references.ORGANIZATION, **places, "Товары": numbered(rows)}
        return self._post(SHORTAGE if leaves else SURPLUS, own)

    def _add_characteristic(self, owner: str, owner_type: str, name: str, attributes: Mapping[str, Feature]) -> str:
        own = {
            "Owner": owner,
            "Owner_Type": f"{NAMESPACE}.{owner_type}",
            "Description": name,
            "НаименованиеПолное": name,
            "ДополнительныеРеквизиты": self._features(attributes, {}),
        }
        if names.PRICED_CHARACTERISTICS in self.model.types:
            priced = self._create(names.PRICED_CHARACTERISTICS, {"Description": name})
            own["ХарактеристикаНоменклатурыДляЦенообразования_Key"] = priced
        return self._create(names.CHARACTERISTICS, own)

    def _use(self, kind: str, characteristics: Sequence[str | Variant]) -> str:
        if characteristics:
            return "ИндивидуальныеДляНоменклатуры"
        shared: str = self.base.objects[names.KINDS][kind]["ИспользованиеХарактеристик"]
        return shared if shared == "ОбщиеДляВидаНоменклатуры" else "НеИспользовать"

    def _features(self, attributes: Mapping[str, Feature], texts: Mapping[str, str]) -> list[dict[str, Any]]:
        rows = [self._feature(name, value) for name, value in attributes.items()]
        for name, text in texts.items():
            own = {"Значение": text, "Значение_Type": "Edm.String", "ТекстоваяСтрока": text}
            rows.append({"Свойство_Key": self._once(names.FEATURES, name, Заголовок=name), **own})
        return numbered(rows)

    def _feature(self, name: str, value: Feature) -> dict[str, Any]:
        feature = self._once(names.FEATURES, name, Заголовок=name, ДополнительныеЗначенияИспользуются=True)
        if isinstance(value, str):
            ref = self._once(names.FEATURE_VALUES, value, Owner_Key=feature)
            text, kind = ref, f"{NAMESPACE}.{names.FEATURE_VALUES}"
        elif isinstance(value, bool):
            text, kind = str(value).lower(), "Edm.Boolean"
        elif isinstance(value, datetime.datetime):
            text, kind = value.replace(tzinfo=None).isoformat(), "Edm.DateTime"
        else:
            text, kind = str(value), "Edm.Double"
        return {"Свойство_Key": feature, "Значение": text, "Значение_Type": kind}

    def _once(self, name: str, title: str, **more: Any) -> str:
        """Return the object with this name, and these references, making it if there is none yet."""
        if not title:
            return NO_REF
        told = {key: value for key, value in more.items() if key.endswith("_Key")}
        for ref, record in self.base.objects[name].items():
            if record["Description"] == title and all(record[key] == value for key, value in told.items()):
                return ref
        return self._create(name, {"Description": title, **more})

    def _vat(self, rate: str) -> dict[str, Any]:
        ref, _, enum = references.VAT[rate]
        return {"СтавкаНДС": enum} if self.model.vat_names else {"СтавкаНДС_Key": ref}

    def _weight(self, kilograms: Decimal | None) -> dict[str, Any]:
        if kilograms is None:
            return {}
        told = {"ВесЕдиницаИзмерения_Key": references.KILOGRAM, "ВесЧислитель": kilograms, "ВесЗнаменатель": 1}
        return {**told, "ВесИспользовать": True}
