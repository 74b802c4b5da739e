"""A base's metadata as a judge of what is sent to it and what it answers, read with none of the connector's code."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

EDM = "{http://schemas.microsoft.com/ado/2009/11/edm}"
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
WIDTH = {"Edm.Int16": 15, "Edm.Int64": 63}


class Judge:
    """A base's metadata, and whether a JSON body is one that it describes."""

    def __init__(self, content: bytes) -> None:
        root = ElementTree.fromstring(content)
        self.types = {
            kind.get("Name", ""): {
                part.get("Name", ""): (part.get("Type", ""), part.get("Nullable") != "false")
                for part in kind.iter(f"{EDM}Property")
            }
            for tag in ("EntityType", "ComplexType")
            for kind in root.iter(EDM + tag)
        }
        self.keys = {
            kind.get("Name", ""): [ref.get("Name") for ref in kind.iter(f"{EDM}PropertyRef")]
            for kind in root.iter(f"{EDM}EntityType")
        }
        self.sets = {found.get("Name", ""): found.get("EntityType") for found in root.iter(f"{EDM}EntitySet")}
        self.navigation = {
            (kind.get("Name", ""), part.get("Name", "")): part.get("Relationship")
            for kind in root.iter(f"{EDM}EntityType")
            for part in kind.iter(f"{EDM}NavigationProperty")
        }
        self.functions = {
            (found.get("Name"), found[0].get("Type"), tuple(part.get("Name") for part in found))
            for found in root.iter(f"{EDM}FunctionImport")
            if len(found) and found[0].get("Name") == "bindingParameter"
        }

    def faults(self, body: dict[str, Any], kind: str, *, answer: bool = False) -> Iterator[str]:
        """Yield what is wrong with a body; in an answer, service properties of OData may stand too."""
        known = self.types[kind]
        for name, value in body.items():
            if answer and name.startswith("odata."):
                continue
            if name not in known:
                yield f"{kind} has no {name}"
                continue
            type_, nullable = known[name]
            if value is None:
                if not nullable:
                    yield f"{kind}.{name} is null"
            elif type_.startswith("Collection("):
                row_type = type_.removeprefix("Collection(StandardODATA.").rstrip(")")
                for row in value:
                    yield from self.faults(row, row_type, answer=answer)
            elif not fits(type_, value):
                yield f"{kind}.{name} is {value!r}, not {type_}"


def fits(type_: str, value: Any) -> bool:
    if type_ == "Edm.Boolean":
        return isinstance(value, bool)
    if type_ == "Edm.Double":
        return isinstance(value, int | Decimal) and not isinstance(value, bool)
    if type_ == "Edm.Int16":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2 ** WIDTH[type_]
    pattern = {
        "Edm.Guid": GUID,
        "Edm.DateTime": MOMENT,
        "Edm.Int64": r"-?\d+",
        "Edm.String": r"(?s).*",
        "Edm.Binary": r"[A-Za-z0-9+/]*={0,2}",
    }[type_]
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        return False
    return type_ != "Edm.Int64" or abs(int(value)) < 2 ** WIDTH[type_]
