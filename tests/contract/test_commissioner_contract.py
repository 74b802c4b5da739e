"""The commissioner's report, held against the published shape of Документ.ОтчетКомиссионера in EnterpriseData."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from obmen.facts.commissioner import as_document, reports
from tests.unit.facts.month import TERMS, month

_XS = "{http://www.w3.org/2001/XMLSchema}"
_DOCUMENT = "Документ.ОтчетКомиссионера"


class Shapes:
    """The types of a version of the format: which members they have, in which order."""

    def __init__(self, file: Path) -> None:
        root = etree.parse(file).getroot()
        self._types = {one.get("name"): one for one in root.iter(f"{_XS}complexType") if one.get("name")}
        self._simple = {one.get("name"): one for one in root.iter(f"{_XS}simpleType") if one.get("name")}

    def members(self, name: str) -> dict[str, str]:
        """Return a type's members and their types, in their order."""
        found: dict[str, str] = {}
        for sequence in self._types[name].iter(f"{_XS}sequence"):
            for one in sequence:
                if one.tag == f"{_XS}element":
                    found[one.get("name")] = (one.get("type") or "").removeprefix("tns:")
            break
        return found

    def words(self, name: str) -> set[str]:
        return {one.get("value") for one in self._simple[name].iter(f"{_XS}enumeration")}

    def judge(self, told: Any, name: str) -> int:
        """Refuse members that the type does not have, or in another order; return how many there are."""
        if isinstance(told, list):
            return sum(self.judge(one, name) for one in told)
        if not isinstance(told, dict):
            assert name not in self._types, name
            return 0
        known = self.members(name)
        assert list(told) == [one for one in known if one in told], (name, sorted(set(told) - set(known)))
        return len(told) + sum(self.judge(value, known[member]) for member, value in told.items())


@pytest.mark.field("F1")
@pytest.mark.parametrize("version", ["1_17_3", "1_21_1"])
def test_every_member_of_the_report_is_one_of_the_document_s(specs: Path, version: str) -> None:
    shapes = Shapes(specs / "specs" / "enterprisedata" / "xsd" / f"EnterpriseData_{version}.xsd")
    made = month(5, "report", count=80)
    (report,) = reports(made.facts(), TERMS, "W2")
    document = as_document(report)
    assert shapes.judge(document, _DOCUMENT) > 100
    assert document["СпособРасчетаКомиссионногоВознаграждения"] in shapes.words(
        "СпособыРасчетаКомиссионногоВознаграждения"
    )
    assert document["Товары"]["Строка"]
    assert document["ВозвратыПокупателей"]["Строка"]
