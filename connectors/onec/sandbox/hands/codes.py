"""Hands that scan marking codes into shipments, as a warehouse does, posted or not."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

from connectors.onec.sandbox.base import Record
from connectors.onec.sandbox.hands.desk import item_row, numbered
from connectors.onec.sandbox.hands.sales import SalesHands
from connectors.onec.sandbox.kinds import NO_REF
from connectors.onec.sandbox.objects.orders import MARKS, SCANNED
from connectors.onec.sandbox.objects.registers import MARKS_IN_FULL

_GS = "\x1d"
_GOODS = re.compile(r"01(\d{14})21([^\x1d]+)")
_UNIT, _BOX = "МаркированныйТовар", "МонотоварнаяУпаковка"


class CodesHands(SalesHands):
    """Scans the codes of goods; a shipment that is not there yet is made, and left unposted."""

    def scan(
        self, number: str, item: str, code: str, *, box: str = "", kept: str = "base64", in_full: bool = True
    ) -> str:
        """Scan the code of one unit of a product, by its id, into the shipment of an order; return the shipment.

        ``box``: the unit lies in the box with this code, and only the box stands in the shipment. ``kept``: how the
        pool keeps the code, in ``base64`` or ``plain``. Without ``in_full`` the code was chosen from a list, so the
        pool does not have it.
        """
        with self.lock:
            unit = self._code(code, _UNIT, item_row(item, Количество=1))
            if in_full:
                self.fill_pool(code, unit, kept=kept)
            scanned = self._in_box(box, unit, item) if box else unit
            written = self.shipments(number)
            shipment: str = written[0]["Ref_Key"] if written else self.draft(number)
            rows = [row for row in self.object(shipment)[SCANNED] if row["ШтрихкодУпаковки_Key"] != scanned]
            self.change(shipment, **{SCANNED: numbered([*rows, {"ШтрихкодУпаковки_Key": scanned}])})
            return shipment

    def fill_pool(self, code: str, unit: str = NO_REF, *, kept: str = "base64") -> None:
        """Let the pool have a code in full."""
        full = base64.b64encode(code.encode()).decode() if kept == "base64" else code
        row = {**self.pool_row(code), "ПолныйКодМаркировки": full, "ШтрихкодУпаковки_Key": unit}
        with self.lock:
            self.base.registers.put(MARKS_IN_FULL, row)

    def pool_row(self, code: str) -> Record:
        """Return a row of the pool by which a code is found."""
        digest = base64.b64encode(hashlib.sha256(normalised(code).encode()).digest()).decode()
        return {"КодМаркировки": normalised(code), "ХешСуммаКодаМаркировки": digest, "Статус": "Использован"}

    def unscan(self, shipment: str) -> None:
        """Take all codes out of a shipment."""
        self.change(shipment, **{SCANNED: []})

    def _in_box(self, box: str, unit: str, item: str) -> str:
        ref = self._code(box, _BOX, item_row(item))
        inside = [*self._inside(ref), unit]
        rows = numbered({"Штрихкод_Key": one} for one in dict.fromkeys(inside))
        self.change(ref, ВложенныеШтрихкоды=rows, Количество=len(rows))
        return ref

    def _inside(self, box: str) -> Sequence[str]:
        return [row["Штрихкод_Key"] for row in self.object(box)["ВложенныеШтрихкоды"]]

    def _code(self, code: str, kind: str, more: Record) -> str:
        """Return the catalog's element of a code, made where there is none: 1C has each only once."""
        value = normalised(code)
        for ref, known in self.base.objects[MARKS].items():
            if known["ЗначениеШтрихкода"] == value:
                return ref
        own = {"ЗначениеШтрихкода": value, "ТипУпаковки": kind, "ТипШтрихкода": "GS1_DataMatrix"}
        return self._create(MARKS, {**own, **more})


def normalised(code: str) -> str:
    """Return a code as the catalog keeps it: in brackets, without its tail; one of another shape as it is."""
    goods = _GOODS.match(code.removeprefix(_GS))
    return f"(01){goods[1]}(21){goods[2]}" if goods else code
