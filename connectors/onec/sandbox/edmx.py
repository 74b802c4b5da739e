"""The sandbox's ``$metadata``, written as a 1C base writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from lxml import etree

from connectors.onec.sandbox.kinds import FLAG, LONG, MOMENT, NAMESPACE, STREAM, STRING, Properties, Register, Type
from connectors.onec.sandbox.model import NEWEST, Model, model_of, target

EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"
METADATA = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
EDM = "http://schemas.microsoft.com/ado/2009/11/edm"
PERIODS = ("Second", "Minute", "Hour", "Day", "Week", "TenDays", "Month", "Quarter", "HalfYear", "Year")
_RECORDER = {"Recorder": STRING}
_RECORDER_TYPE = {"Recorder_Type": STRING}


@lru_cache(maxsize=32)
def metadata(published: frozenset[str], model: Model | None = None) -> bytes:
    """Return the metadata of the published objects as XML; of the newest version if no model is given.

    The same is asked for again and again, and takes a sandbox longer than all else: the last are kept.
    """
    return _Writer(published, model or model_of(NEWEST)).whole()


def turnover_names(resource: str, register: Register) -> list[str]:
    """Return what Turnovers tells of a resource."""
    sides = ("Turnover", "Receipt", "Expense") if register.balance else ("Turnover",)
    return [f"{resource}{side}" for side in sides]


def record_type(register: Register) -> dict[str, str]:
    """Return a recorded row's properties."""
    kind = {"RecordType": STRING} if register.balance else {}
    head = {**_RECORDER, "Period": MOMENT, "LineNumber": LONG, "Active": FLAG, **kind}
    return {**head, **register.own, **_RECORDER_TYPE}


def record_key(register: Register) -> tuple[str, ...]:
    """Return what tells a recorded row from the others."""
    if register.balance:
        return ("Recorder", "LineNumber", "Recorder_Type")
    return ("Recorder", "Period", *register.dimensions, "Recorder_Type")


class _Writer:
    def __init__(self, published: frozenset[str], model: Model) -> None:
        self._published = published
        self._model = model
        self._root = etree.Element(f"{{{EDMX}}}Edmx", {"Version": "1.0"}, nsmap={"edmx": EDMX})
        services = etree.SubElement(self._root, f"{{{EDMX}}}DataServices", nsmap={"m": METADATA})
        services.set(f"{{{METADATA}}}DataServiceVersion", "3.0")
        self._schema = etree.SubElement(services, f"{{{EDM}}}Schema", {"Namespace": NAMESPACE}, nsmap={None: EDM})
        self._container = etree.Element(f"{{{EDM}}}EntityContainer", {"Name": "EnterpriseV8"})
        self._container.set(f"{{{METADATA}}}IsDefaultEntityContainer", "true")

    def whole(self) -> bytes:
        for name in sorted(self._published):
            if name in self._model.types:
                self._object(name, self._model.types[name])
            elif name in self._model.registers:
                self._register(name, self._model.registers[name])
        self._schema.append(self._container)
        return etree.tostring(self._root, encoding="UTF-8", xml_declaration=True)

    def _object(self, name: str, kind: Type) -> None:
        sections = {section: f"Collection({NAMESPACE}.{name}_{section}_RowType)" for section in kind.sections}
        self._entity(name, {**kind.properties, **sections}, ("Ref_Key",))
        for section, properties in kind.sections.items():
            row = {"Ref_Key": "Edm.Guid", **properties}
            self._entity(f"{name}_{section}", row, ("Ref_Key", "LineNumber"))
            self._complex(f"{name}_{section}_RowType", row, ("Ref_Key", "LineNumber"))
        if kind.is_document:
            for function in ("Post", "Unpost"):
                self._function(function, name, {"PostingModeOperational": "Edm.Boolean"}, acts=True)

    def _register(self, name: str, register: Register) -> None:
        if not register.recorded:
            self._entity(name, register.own, tuple(register.dimensions))
            return
        row_set = f"Collection({NAMESPACE}.{name}_RowType)"
        whole = {**_RECORDER, "RecordSet": row_set, **_RECORDER_TYPE}
        self._entity(name, whole, ("Recorder", "Recorder_Type"), never_null=("RecordSet",))
        row, key = record_type(register), record_key(register)
        self._entity(f"{name}_RecordType", row, key)
        self._complex(f"{name}_RowType", row, key)
        if not register.balance:
            for function in ("SliceLast", "SliceFirst"):
                takes = {"Condition": STRING, "Period": MOMENT}
                self._function(function, f"{name}_RecordType", takes, gives=f"{name}_RecordType")
            return
        self._virtual(name, register)

    def _virtual(self, name: str, register: Register) -> None:
        dimensions = {part: kind for part, kind in register.dimensions.items() if not part.endswith("_Type")}
        types = {part: kind for part, kind in register.dimensions.items() if part.endswith("_Type")}
        periods = {"Period": MOMENT, **{f"{part}Period": MOMENT for part in PERIODS}}
        told = {**dimensions, **periods, **_RECORDER, "LineNumber": LONG}
        numbers = dict.fromkeys(register.resources, "Edm.Double")
        balance = {f"{resource}Balance": kind for resource, kind in numbers.items()}
        turnover = {part: "Edm.Double" for resource in numbers for part in turnover_names(resource, register)}
        both = {
            part: "Edm.Double"
            for resource in numbers
            for part in (f"{resource}OpeningBalance", *turnover_names(resource, register), f"{resource}ClosingBalance")
        }
        self._complex(f"{name}_Balance", {**dimensions, **balance, **types})
        self._complex(f"{name}_Turnover", {**told, **turnover, **types, **_RECORDER_TYPE})
        self._complex(f"{name}_BalanceAndTurnover", {**told, **both, **types, **_RECORDER_TYPE})
        between = {"Condition": STRING, "Dimensions": STRING, "EndPeriod": MOMENT, "StartPeriod": MOMENT}
        at = {"Condition": STRING, "Dimensions": STRING, "Period": MOMENT}
        self._function("Balance", name, at, gives=f"{name}_Balance")
        self._function("Turnovers", name, between, gives=f"{name}_Turnover")
        self._function("BalanceAndTurnovers", name, between, gives=f"{name}_BalanceAndTurnover")

    def _function(self, function: str, name: str, takes: Properties, *, gives: str = "", acts: bool = False) -> None:
        told = {"ReturnType": f"Collection({NAMESPACE}.{gives})"} if gives else {}
        call = _sub(
            self._container,
            "FunctionImport",
            Name=function,
            IsBindable="true",
            IsSideEffecting="true" if acts else "false",
            **told,
        )
        _sub(call, "Parameter", Name="bindingParameter", Type=f"{NAMESPACE}.{name}")
        for parameter, kind in takes.items():
            _sub(call, "Parameter", Name=parameter, Type=kind)

    def _entity(
        self, name: str, properties: Properties, key: tuple[str, ...], *, never_null: tuple[str, ...] = ()
    ) -> None:
        element = _sub(self._schema, "EntityType", Name=name, OpenType="true")
        keys = _sub(element, "Key")
        for part in key:
            _sub(keys, "PropertyRef", Name=part)
        _fill(element, properties, (*key, *never_null))
        for part, to in self._navigations(name, properties):
            relation = f"{NAMESPACE}.{name}_{part}"
            _sub(element, "NavigationProperty", Name=part, Relationship=relation, FromRole="Begin", ToRole="End")
            association = _sub(self._schema, "Association", Name=f"{name}_{part}")
            _sub(association, "End", Role="Begin", Type=f"{NAMESPACE}.{name}", Multiplicity="*")
            _sub(association, "End", Role="End", Type=f"{NAMESPACE}.{to}", Multiplicity="0..1")
        _sub(self._container, "EntitySet", Name=name, EntityType=f"{NAMESPACE}.{name}")

    def _complex(self, name: str, properties: Properties, key: Iterable[str] = ()) -> None:
        _fill(_sub(self._schema, "ComplexType", Name=name), properties, key)

    def _navigations(self, name: str, properties: Properties) -> Iterator[tuple[str, str]]:
        for part in properties:
            if part.endswith("_Key") and (to := target(name, part.removesuffix("_Key"))) in self._published:
                yield part.removesuffix("_Key"), to


def _fill(element: etree._Element, properties: Properties, key: Iterable[str]) -> None:
    never_null = frozenset(key)
    for name, kind in properties.items():
        nullable = kind == STREAM or name not in never_null
        _sub(element, "Property", Name=name, Type=kind, Nullable="true" if nullable else "false")


def _sub(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{EDM}}}{tag}", attributes)
