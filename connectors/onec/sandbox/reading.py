"""What the interface answers to a GET: sets, objects, their parts, virtual tables, counts."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from connectors.onec.sandbox import wire
from connectors.onec.sandbox.address import Segment, literal, parse
from connectors.onec.sandbox.atom import Writer
from connectors.onec.sandbox.base import Record
from connectors.onec.sandbox.kinds import NO_REF
from connectors.onec.sandbox.lists import denied, listed, matching
from connectors.onec.sandbox.selection import Selection
from connectors.onec.sandbox.shapes import Shape, Shapes
from connectors.onec.sandbox.values import Refusal
from connectors.onec.sandbox.virtual import BALANCES, SLICES, Virtual
from obmen.testing.sandbox import Request, Response

_COUNT, _VALUE = "$count", "$value"


class Reading:
    """Reads the published sets of a base. ``hidden`` are references that the user may not read."""

    def __init__(self, shapes: Shapes, hidden: set[str]) -> None:
        self._shapes = shapes
        self._hidden = hidden
        self._virtual = Virtual(shapes.base.registers, shapes.follow)

    def answer(self, request: Request, resource: str, writer: Writer) -> Response:
        """Answer a GET of an address. Raises Refusal and BadQuery."""
        first, *rest = parse(resource)
        if rest and rest[0].name in {*BALANCES, *SLICES}:
            return self._table(request, writer, first.name, rest)
        shape = self._shapes.of(first.name)
        if first.parameters is not None:
            record = self.record(shape, first.parameters)
            if rest:
                return self._part(request, writer, shape, record, rest)
            return wire.entry(request, writer, shape, Selection(request.query, shape, self._shapes).of(record))
        hidden = frozenset(self._hidden)
        if [segment.name for segment in rest] == [_COUNT]:
            return wire.number(len(matching(self._shapes, shape, request.query, hidden)))
        if rest:
            raise _no_such(resource)
        records, count = listed(self._shapes, shape, request.query, hidden)
        return wire.feed(request, writer, shape, records, count)

    def record(self, shape: Shape, key: Mapping[str, str]) -> Record:
        """Return the record of a key, or refuse with code 7 (incomplete), 9 (not there) or 20 (not allowed)."""
        missing = [part for part in shape.key if part not in key]
        if missing:
            raise Refusal(f"Ключ {shape.name} неполон: {', '.join(missing)}", status=400, code="7")
        if shape.name in self._shapes.base.objects:
            record = self._shapes.base.get(shape.name, key["Ref_Key"])
            if record["Ref_Key"] in self._hidden:
                raise denied(shape.name)
            return record
        for record in self._shapes.rows(shape.name):
            if all(str(record[part]) == key[part] for part in shape.key):
                return record
        raise Refusal(f"Экземпляр {shape.name} с таким ключом не найден", status=404, code="9")

    def _table(self, request: Request, writer: Writer, name: str, rest: list[Segment]) -> Response:
        """Answer a virtual table; a slice hangs on the register's rows, a balance on the register."""
        function = rest[0].name
        self._shapes.of(name)
        register = name.removesuffix("_RecordType")
        known = self._shapes.base.model.registers.get(register)
        slices = function in SLICES
        if known is None or not known.recorded or known.balance is slices or slices is (register == name):
            raise Refusal(f"Метод {function} не найден", status=400, code="11")
        parameters = dict(rest[0].parameters or {})
        names = {"Period", "StartPeriod", "EndPeriod", "Condition", "Dimensions"} & set(request.query)
        parameters |= {part: literal(request.query[part]) for part in names}
        shape = self._virtual.shape(register, function, parameters)
        rows = self._virtual.rows(register, function, parameters)
        if [segment.name for segment in rest[1:]] == [_COUNT]:
            return wire.number(len(matching(self._shapes, shape, request.query, frozenset(), rows)))
        records, count = listed(self._shapes, shape, request.query, frozenset(), rows, frozenset(names))
        return wire.feed(request, writer, shape, records, count)

    def _part(self, request: Request, writer: Writer, shape: Shape, record: Record, rest: list[Segment]) -> Response:
        """Answer what an object refers to, or the file that it holds."""
        name = rest[0].name
        if f"{name}_Base64Data" in record and [segment.name for segment in rest[1:]] in ([], [_VALUE]):
            content = base64.b64decode(record[f"{name}_Base64Data"])
            return Response(body=content, headers={"Content-Type": record[f"{name}_Type"]})
        to = shape.navigations.get(name, "")
        if to not in self._shapes.published or len(rest) > 1:
            raise Refusal(f"Сегмент пути {name} не найден", status=400, code="10")
        if record[f"{name}_Key"] == NO_REF:
            raise Refusal(f"{name}: пустая ссылка", status=404, code="9")
        target = self._shapes.of(to)
        found = self.record(target, {"Ref_Key": record[f"{name}_Key"]})
        return wire.entry(request, writer, target, Selection(request.query, target, self._shapes).of(found))


def _no_such(resource: str) -> Refusal:
    return Refusal(f"Неверный адрес {resource}", status=400, code="6")
