"""What `check` tells of a connection before a run, and that it writes nothing."""

import re
from pathlib import Path
from typing import Any

import pytest

import connectors.onec
from connectors.onec import OneC
from connectors.onec.odata.order_body import DOCUMENT
from connectors.onec.options import OrderOptions
from connectors.onec.sandbox import OneCSandbox, references
from connectors.onec.sandbox.model import TYPES
from obmen.connector import Finding, check
from obmen.testing.clock import FakeClock
from tests.unit.onec.commerceml_kit import catalogue, document, good, offer, package, write
from tests.unit.onec.odata_support import connected, writes

ELSEWHERE = "bbbbbbbb-0000-4000-8000-000000000001"


def found(level: str, findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.option, finding.message) for finding in findings if finding.level == level]


def checked(**changes: Any) -> list[Finding]:
    with connected(**changes) as (onec, sandbox):
        findings = check(onec)
        assert writes(sandbox) == []
    return findings


def order(**changes: Any) -> dict[str, Any]:
    return {**references.ORDER_OPTIONS, **changes}


def test_a_base_in_order_has_no_complaints() -> None:
    findings = checked()
    assert {finding.level for finding in findings} == {"ok"}
    assert "14 references of `order:` exist in the base." in [finding.message for finding in findings]


def test_every_reference_that_points_to_nothing_is_named_with_its_option() -> None:
    findings = checked(
        order=order(
            organization=ELSEWHERE,
            warehouses={"Основной": ELSEWHERE},
            currencies={"RUB": ELSEWHERE},
            vat_rates={"20": ELSEWHERE},
        )
    )
    problems = dict(found("problem", findings))
    assert set(problems) == {
        "order.organization",
        "order.warehouses.Основной",
        "order.currencies.RUB",
        "order.vat_rates.20",
    }
    assert "Справочник.Организации" in problems["order.organization"]
    assert ELSEWHERE in problems["order.organization"]


def test_an_unpublished_document_names_what_the_administrator_must_add() -> None:
    (problem,) = found("problem", checked(sandbox={"published": frozenset(TYPES) - {DOCUMENT}}))
    assert problem[0] == "url"
    assert "Документ.ЗаказКлиента is not published" in problem[1]
    assert "УстановитьСоставСтандартногоИнтерфейсаOData" in problem[1]


def test_an_unpublished_catalog_is_a_warning_and_the_rest_is_verified() -> None:
    findings = checked(sandbox={"published": frozenset(TYPES) - {"Catalog_Организации"}})
    (warning,) = found("warning", findings)
    assert warning[0] == "order.organization"
    assert "Справочник.Организации is not published" in warning[1]
    assert found("problem", findings) == []


def test_a_reference_that_is_marked_for_deletion_is_a_warning() -> None:
    with connected() as (onec, sandbox):
        sandbox.base.change("Catalog_Партнеры", references.PARTNER, {"DeletionMark": True}, None)
        (warning,) = found("warning", check(onec))
    assert warning[0] == "order.partner"
    assert "marked for deletion" in warning[1]


def test_a_wrong_password_is_one_problem_with_the_next_step() -> None:
    (problem,) = found("problem", checked(password="не тот"))
    assert problem[0] == "username"
    assert "Check the connection's username" in problem[1]


def test_a_base_that_does_not_answer_is_one_problem() -> None:
    with OneCSandbox() as sandbox:
        address = sandbox.url
    onec = OneC("ut", OneC.Options(url=address, username="x"), clock=FakeClock())
    (problem,) = found("problem", check(onec))
    assert problem[0] == "url"
    assert "cannot be reached" in problem[1]
    onec.close()


def test_orders_without_their_section_are_a_warning() -> None:
    (warning,) = found("warning", checked(order=None))
    assert warning[0] == "order"


def test_a_connection_with_nothing_to_read_or_write_is_a_problem() -> None:
    onec = OneC("ut", OneC.Options())
    ((_, message),) = found("problem", check(onec))
    assert "nothing to do" in message
    onec.close()


def test_an_export_is_looked_at_and_what_is_doubled_in_it_is_a_problem(specs: Path, tmp_path: Path) -> None:
    export = specs / "data/commerceml/ut-2.07"
    told = f"{export}: price types BASE; warehouses Владивосток, Новосибирск, Москва."
    assert ("commerceml", told) in found("ok", checked(commerceml=export))
    write(tmp_path / "all.xml", document(catalogue(good("a"), good("a")), package(offer("a#1"))))
    findings = checked(commerceml=tmp_path)
    (doubled,) = found("problem", findings)
    assert doubled[0] == "commerceml"
    assert "Товар a is given 2 times" in doubled[1]
    assert "(all.xml:6, all.xml:7)" in doubled[1]
    assert [message for _, message in found("warning", findings) if "without a price: 1" in message]


def test_a_folder_that_is_not_there_is_a_problem_and_the_base_is_checked_too(tmp_path: Path) -> None:
    findings = checked(commerceml=tmp_path / "нет")
    (problem,) = found("problem", findings)
    assert problem[0] == "commerceml"
    assert "14 references of `order:` exist in the base." in [finding.message for finding in findings]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"timezone": "Europe/Moskow"}, "timezone"),
        ({"url": "1c.example/trade"}, "url"),
        ({"timeout": 0}, "timeout"),
        ({"odrer": {}}, "odrer"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        OneC.Options(**options)


def test_the_readme_names_every_option() -> None:
    text = (Path(connectors.onec.__file__).parent / "README.md").read_text("utf-8")
    example = text.partition("## Options")[2].partition("## ")[0]
    for name in (*OneC.Options.model_fields, *OrderOptions.model_fields):
        assert re.search(rf"^ +{name}:", example, re.MULTILINE), name
