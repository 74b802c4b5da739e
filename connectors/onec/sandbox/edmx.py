"""The sandbox's ``$metadata``, written as a 1C base writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from connectors.onec.sandbox.model import KEYS, TARGETS, TYPES, Type

EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"
METADATA = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
EDM = "http://schemas.microsoft.com/ado/2009/11/edm"
NAMESPACE = "StandardODATA"


def metadata(published: frozenset[str]) -> bytes:
    """Return the metadata of the published objects as XML."""
    root = etree.Element(f"{{{EDMX}}}Edmx", {"Version": "1.0"}, nsmap={"edmx": EDMX})
    services = etree.SubElement(root, f"{{{EDMX}}}DataServices", nsmap={"m": METADATA})
    services.set(f"{{{METADATA}}}DataServiceVersion", "3.0")
    schema = etree.SubElement(services, f"{{{EDM}}}Schema", {"Namespace": NAMESPACE}, nsmap={None: EDM})
    container = etree.Element(f"{{{EDM}}}EntityContainer", {"Name": "EnterpriseV8"})
    container.set(f"{{{METADATA}}}IsDefaultEntityContainer", "true")
    for name in sorted(published):
        _object(schema, container, name, TYPES[name], published)
    schema.append(container)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _object(
    schema: etree._Element, container: etree._Element, name: str, kind: Type, published: frozenset[str]
) -> None:
    own = {**kind.properties, **{section: _rows(name, section) for section in kind.sections}}
    _type(schema, name, own, ("Ref_Key",), published)
    _set(container, name)
    for section, properties in kind.sections.items():
        row = {"Ref_Key": "Edm.Guid", **properties}
        _type(schema, f"{name}_{section}", row, ("Ref_Key", "LineNumber"), published)
        _set(container, f"{name}_{section}")
        _fill(_sub(schema, "ComplexType", Name=f"{name}_{section}_RowType"), row)
    if kind.is_document:
        for function in ("Post", "Unpost"):
            call = _sub(container, "FunctionImport", Name=function, IsBindable="true", IsSideEffecting="true")
            _sub(call, "Parameter", Name="bindingParameter", Type=f"{NAMESPACE}.{name}")
            _sub(call, "Parameter", Name="PostingModeOperational", Type="Edm.Boolean")


def _rows(name: str, section: str) -> str:
    return f"Collection({NAMESPACE}.{name}_{section}_RowType)"


def _type(
    schema: etree._Element,
    name: str,
    properties: Mapping[str, str],
    key: tuple[str, ...],
    published: frozenset[str],
) -> None:
    element = _sub(schema, "EntityType", Name=name, OpenType="true")
    keys = _sub(element, "Key")
    for part in key:
        _sub(keys, "PropertyRef", Name=part)
    _fill(element, properties)
    for target in _navigations(properties, published):
        relation = f"{NAMESPACE}.{name}_{target}"
        _sub(element, "NavigationProperty", Name=target, Relationship=relation, FromRole="Begin", ToRole="End")
        association = _sub(schema, "Association", Name=f"{name}_{target}")
        _sub(association, "End", Role="Begin", Type=f"{NAMESPACE}.{name}", Multiplicity="*")
        _sub(association, "End", Role="End", Type=f"{NAMESPACE}.{TARGETS[target]}", Multiplicity="0..1")


def _navigations(properties: Mapping[str, str], published: frozenset[str]) -> Iterator[str]:
    for name in properties:
        target = name.removesuffix("_Key")
        if name.endswith("_Key") and TARGETS.get(target) in published:
            yield target


def _fill(element: etree._Element, properties: Mapping[str, str]) -> None:
    for name, kind in properties.items():
        _sub(element, "Property", Name=name, Type=kind, Nullable="false" if name in KEYS else "true")


def _set(container: etree._Element, name: str) -> None:
    _sub(container, "EntitySet", Name=name, EntityType=f"{NAMESPACE}.{name}")


def _sub(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{EDM}}}{tag}", attributes)
