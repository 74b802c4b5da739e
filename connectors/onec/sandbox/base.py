"""The sandbox's base: what 1C fills in, cuts, ignores and records when objects are written and posted."""

from __future__ import annotations

import base64
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.onec.sandbox.checks import Refuser
from connectors.onec.sandbox.kinds import NO_REF, STREAM, Properties, empty
from connectors.onec.sandbox.model import Model
from connectors.onec.sandbox.posting import Poster
from connectors.onec.sandbox.references import seed
from connectors.onec.sandbox.registers import Record, Registers
from connectors.onec.sandbox.values import Refusal, section_rows, taken

__all__ = ["NO_REF", "Base", "Record", "Refusal"]

_KEPT = frozenset({"Ref_Key", "DataVersion", "Posted"})
_NUMBERED = "Товары"


class Base:
    """All objects of the base. ``now`` tells its local time, naive.

    Objects lie in the order of their last write, as rows do in the tables of a real base: whoever pages
    without an order sees some twice and others never. ``noticed(type, reference, register)`` are told of every
    change; ``register`` is empty for an object's own.
    """

    def __init__(self, now: Callable[[], datetime], *, model: Model, strict_products: bool, random: Any) -> None:
        self.now = now
        self.model = model
        self.objects: dict[str, dict[str, Record]] = {name: {} for name in model.types}
        self.noticed: list[Callable[[str, str, str], None]] = []
        self.registers = Registers({**model.registers, **model.hidden}, self._recorded)
        self.pricing_25 = "InformationRegister_ЦеныНоменклатуры25" in model.registers
        self._random = random
        self._poster = Poster(self.objects, model)
        self._refuser = Refuser(self.objects, self.registers, model, strict_products=strict_products)
        self._numbers: Counter[str] = Counter()
        self._sorted: dict[str, list[str]] = {}
        self._blank = {name: self._empty(name) for name in model.types}
        for name, records in seed(model).items():
            for ref, properties in records.items():
                self.create(name, {"Ref_Key": ref, **properties}, own_ref=True)

    def get(self, name: str, ref: str) -> Record:
        """Return an object, or refuse with code 9."""
        record = self.objects[name].get(ref.lower())
        if record is None:
            raise Refusal(f"Экземпляр {name} с ключом {ref} не найден", status=404, code="9")
        return record

    def find(self, ref: str) -> tuple[str, Record] | None:
        """Return the object with this reference, whatever its type, and that type."""
        return next(((name, known[ref]) for name, known in self.objects.items() if ref in known), None)

    def sorted_refs(self, name: str) -> list[str]:
        """Return the references of a type's objects in their order, without sorting them anew for each page."""
        if name not in self._sorted:
            self._sorted[name] = sorted(self.objects[name])
        return self._sorted[name]

    def create(self, name: str, body: Mapping[str, Any], *, own_ref: bool) -> Record:
        """Write a new object; without ``own_ref`` the base gives it a reference of its own."""
        asked = str(body.get("Ref_Key", NO_REF)).lower()
        ref = asked if own_ref and asked != NO_REF else self.new_ref()
        if ref in self.objects[name]:
            raise Refusal(f"Экземпляр {name} с ключом {ref} уже существует", status=400, code="15")
        record = {key: [] if isinstance(value, list) else value for key, value in self._blank[name].items()}
        self._fill(name, record, body)
        record["Ref_Key"] = ref
        record["DataVersion"] = ""
        self._number(name, record, body)
        self.objects[name][ref] = record
        self._sorted.pop(name, None)
        self._touch(name, record)
        return record

    def change(self, name: str, ref: str, body: Mapping[str, Any], version: str | None) -> Record:
        """Write the named properties; a tabular section is replaced whole."""
        record = self.get(name, ref)
        if version is not None and version != record["DataVersion"]:
            raise Refusal("Объект был изменен", status=412, code="-1")
        draft = dict(record)
        self._fill(name, draft, {key: value for key, value in body.items() if key not in _KEPT})
        if draft["DeletionMark"] and draft.get("Posted"):
            draft["Posted"] = False
            self.registers.forget(name, record["Ref_Key"])
        record.update(draft)
        self._touch(name, record)
        return record

    def delete(self, name: str, ref: str) -> None:
        """Delete for good, as 1C's OData does."""
        record = self.get(name, ref)
        self.registers.forget(name, record["Ref_Key"])
        del self.objects[name][record["Ref_Key"]]
        self._sorted.pop(name, None)
        self._tell(name, record["Ref_Key"], "")

    def post(self, name: str, ref: str) -> Record:
        """Post a document: record what it moves. Or refuse with the reason."""
        record = self._document(name, ref)
        self._refuser.check(name, record)
        entries = list(self._poster.entries(name, record, pricing_25=self.pricing_25))
        record["Posted"] = True
        self._touch(name, record)
        self.registers.record(name, record["Ref_Key"], record["Date"], entries)
        return record

    def unpost(self, name: str, ref: str) -> Record:
        """Take a document's posting back, and all that it recorded."""
        record = self._document(name, ref)
        record["Posted"] = False
        self._touch(name, record)
        self.registers.forget(name, record["Ref_Key"])
        return record

    def new_ref(self) -> str:
        """Return a reference that nothing has yet."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def local_time(self) -> str:
        """Return the base's own time as it writes times."""
        return self.now().replace(microsecond=0).isoformat()

    def _document(self, name: str, ref: str) -> Record:
        if not self.model.types[name].is_document:
            raise Refusal(f"{name} не проводится", status=400, code="11")
        return self.get(name, ref)

    def _empty(self, name: str) -> Record:
        kind = self.model.types[name]
        return {**empty(kind.properties), **{section: [] for section in kind.sections}}

    def _fill(self, name: str, record: Record, body: Mapping[str, Any]) -> None:
        """Take over what the type has, and nothing else, without a word: so 1C does."""
        kind = self.model.types[name]
        for key, value in body.items():
            if kind.properties.get(key, STREAM) != STREAM:
                record[key] = taken(key, value, kind.properties[key], self.model.length(name, key))
            elif key in kind.sections:
                record[key] = [
                    self._row(at, row, kind.sections[key]) for at, row in enumerate(section_rows(key, value), 1)
                ]
        if "МаксимальныйКодСтроки" in kind.properties:
            record["МаксимальныйКодСтроки"] = str(len(record[_NUMBERED]))

    def _row(self, at: int, row: Mapping[str, Any], properties: Properties) -> Record:
        if "LineNumber" not in row:
            raise Refusal("Поле объекта не обнаружено (LineNumber)")
        filled: Record = empty(properties)
        for key, value in row.items():
            if key in properties:
                filled[key] = taken(key, value, properties[key], self.model.lengths.get(key))
        filled["LineNumber"] = str(at)
        if filled.get("КодСтроки") == "0":
            filled["КодСтроки"] = str(at)
        return filled

    def _number(self, name: str, record: Record, body: Mapping[str, Any]) -> None:
        if self.model.types[name].is_document:
            record["Posted"] = False
            if not body.get("Number"):
                self._numbers[name] += 1
                record["Number"] = f"ОБ00-{self._numbers[name]:06d}"
            if "Date" not in body:
                record["Date"] = self.local_time()
        elif record.get("Code") == "":
            self._numbers[name] += 1
            record["Code"] = f"00-{self._numbers[name]:08d}"

    def _touch(self, name: str, record: Record) -> None:
        before = int.from_bytes(base64.b64decode(record["DataVersion"] or ""), "big")
        record["DataVersion"] = base64.b64encode((before + 1).to_bytes(8, "big")).decode()
        known = self.objects[name]
        known[record["Ref_Key"]] = known.pop(record["Ref_Key"])
        self._tell(name, record["Ref_Key"], "")

    def _recorded(self, register: str, kind: str, recorder: str) -> None:
        self._tell(kind, recorder, register)

    def _tell(self, name: str, ref: str, register: str) -> None:
        for notice in self.noticed:
            notice(name, ref, register)
