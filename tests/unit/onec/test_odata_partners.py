"""Customers: joined from three catalogs, read by versions, found before they are created, changed in what is ours."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from connectors.onec.odata.contacts import as_json, as_xml, phones
from connectors.onec.odata.partner_writing import PartnerWriter
from connectors.onec.odata.partners import CARDS, CONTRAGENTS, PARTNERS, Partners, customer_ref
from connectors.onec.sandbox import references
from obmen.entities import Customer
from obmen.errors import ConfigurationError, InDoubt, Later, Refused
from obmen.records import Native
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, canonical, client, item, natives, opened, pushed, writes

PHONE = "+79000000001"


def customers(one: Opened) -> dict[str, Native]:
    return {native["Ref_Key"]: native for native in natives(Partners(one.base, one.options).read(None))}


def payload(**changes: Any) -> Native:
    return {
        "Ref_Key": "17",
        "НаименованиеПолное": "Образцов Пример",
        "ЮрФизЛицо": "ЧастноеЛицо",
        "Телефоны": [PHONE],
        "Почты": ["buyer@example.com"],
        **changes,
    }


def write(one: Opened, body: Native, native_id: str | None = None) -> str:
    return PartnerWriter(one.base, one.options).write(item(body, "Ref_Key", native_id))


def partners(one: Opened) -> list[Native]:
    """Return the partners that people or channels entered."""
    return [row for row in one.ut.base.objects[PARTNERS].values() if row["Ref_Key"] != references.PARTNER]


# -- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_customer_is_joined_from_partner_contragent_and_cards(version: str) -> None:
    with opened(version) as one:
        ref = one.ut.add_partner(
            "Образцов Пример Выдумкович",
            phones=["8 (900) 000-00-01", "+7 900 000 00 01", "+7 900 000-00-02"],
            emails=["Buyer@Example.com"],
            address="Пример, Выдуманная ул, дом 1",
            cards=["2900000000117", "2900000000124"],
            birthday=date(1990, 5, 17),
            gender="Мужской",
            Комментарий="Звонить вечером",
        )
        one.ut.add_card(ref, "2900000000131", status="Аннулирована")
        company = one.ut.add_partner("ООО «Образец»", company=True, tax_id="7700000000", kpp="770001001")
        one.ut.add_partner("ООО «Поставщик»", company=True, Клиент=False)
        found = customers(one)
        assert set(found) == {ref, company}, "neither suppliers nor the partner of all channels"
        assert found[company]["КПП"] == "770001001"
        records = [canonical("customer", found[id_], one.options) for id_ in (ref, company)]
    assert records[0] == Customer(
        customer_id=ref,
        kind="person",
        name="Образцов Пример Выдумкович",
        last_name="Образцов",
        first_name="Пример",
        middle_name="Выдумкович",
        phones=[PHONE, "+79000000002"],
        emails=["buyer@example.com"],
        address="Пример, Выдуманная ул, дом 1",
        birthday=date(1990, 5, 17),
        gender="male",
        cards=["2900000000117", "2900000000124"],
        comment="Звонить вечером",
        archived=False,
    )
    assert (records[1].kind, records[1].tax_id, records[1].last_name) == ("company", "7700000000", None)


def test_only_what_is_new_is_fetched_and_any_part_makes_a_customer_new() -> None:
    with opened() as one:
        ref = one.ut.add_partner("Образцов Пример", phones=[PHONE], cards=["2900000000117"])
        other = one.ut.add_partner("Выдумкин Пример")

        def slices() -> dict[str, bytes]:
            pages = list(Partners(one.base, one.options).read(None))
            return {json.loads(raw)["Ref_Key"]: raw for page in pages for raw in page.slices}

        before = slices()
        assert slices() == before
        for name in (PARTNERS, CONTRAGENTS, CARDS):
            part = next(id_ for id_, row in one.ut.base.objects[name].items() if ref in (id_, row.get("Партнер_Key")))
            one.ut.touch(part)
            after = slices()
            assert after[ref] != before[ref], name
            assert after[other] == before[other]
            before = after
        one.ut.journal.clear()
        list(Partners(one.base, one.options).read(None))
        assert all("$select=" in call.query or "select" in str(call.query) for call in one.ut.journal)


def test_several_contragents_of_one_partner_are_one_customer() -> None:
    with opened() as one:
        ref = one.ut.add_partner("Сеть «Образец»", company=True)
        for tax_id, deleted in (("7700000001", True), ("7700000002", False)):
            one.ut.base.create(
                CONTRAGENTS,
                {"Description": "ООО", "ИНН": tax_id, "Партнер_Key": ref, "DeletionMark": deleted},
                own_ref=True,
            )
        found = customers(one)
        assert found[ref]["ИНН"] == "7700000002"
        assert len(found[ref]["Контрагенты"]) == 2, "the deleted one is left out"


def test_contacts_of_the_contragent_count_too_and_history_does_not() -> None:
    kind = references.PHONE_KIND
    rows = [
        {"Тип": "Телефон", "Вид_Key": kind, "Представление": "1", "ДействуетС": "2020-01-01T00:00:00"},
        {"Тип": "Телефон", "Вид_Key": kind, "Представление": "2", "ДействуетС": "2024-01-01T00:00:00"},
        {"Тип": "Телефон", "Вид_Key": references.EMAIL_KIND, "Представление": "3", "ДействуетС": "0001-01-01T00:00:00"},
        {"Тип": "Факс", "Вид_Key": kind, "Представление": "4"},
    ]
    assert sorted(phones(rows)) == ["2", "3"]
    with opened() as one:
        ref = one.ut.add_partner("Образцов Пример", phones=[PHONE])
        legal = next(id_ for id_, row in one.ut.base.objects[CONTRAGENTS].items() if row["Партнер_Key"] == ref)
        one.ut.change(legal, КонтактнаяИнформация=one.ut.contacts(["+7 900 000-00-09"], ["legal@example.com"]))
        found = customers(one)[ref]
        assert (found["Телефоны"], found["Почты"]) == ([PHONE, "+7 900 000-00-09"], ["legal@example.com"])


def test_without_partners_contragents_stand_for_them() -> None:
    with opened() as one:
        ref = one.ut.add_partner("ООО «Образец»", company=True, tax_id="7700000000")
        one.ut.published -= {PARTNERS}
        found = customers(one)
        assert (found[ref]["НаименованиеПолное"], found[ref]["ЮрФизЛицо"]) == ("ООО «Образец»", "Компания")
        (native,) = Partners(one.base, one.options).look_up([ref])
        assert native == found[ref]
        one.ut.published -= {CONTRAGENTS}
    with opened() as one:
        one.ut.published -= {PARTNERS, CONTRAGENTS}
        with pytest.raises(ConfigurationError, match=r"Справочник\.Партнеры"):
            customers(one)


@pytest.mark.parametrize("version", VERSIONS)
def test_customers_looked_up_are_those_that_were_read(version: str) -> None:
    with opened(version) as one:
        refs = [one.ut.add_partner(f"Образцов Пример {n}", phones=[PHONE], cards=[f"290{n}"]) for n in range(25)]
        supplier = one.ut.add_partner("Поставщик", Клиент=False)
        found = customers(one)
        looked_up = list(
            Partners(one.base, one.options).look_up([*refs, supplier, references.PARTNER, customer_ref("x")])
        )
        assert {native["Ref_Key"]: native for native in looked_up} == found
        assert len(found) == 25


# -- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_new_customer_comes_in_once_and_comes_back_as_it_was(version: str) -> None:
    record = Customer(
        customer_id="17",
        kind="person",
        first_name="Пример",
        last_name="Образцов",
        phones=[PHONE],
        emails=["buyer@example.com"],
        birthday=date(1990, 5, 17),
        gender="female",
        address="Пример, Выдуманная ул, дом 1",
        comment="Звонить вечером",
    )
    with opened(version) as one:
        body = pushed("customer", record, one.options)
        ref = write(one, body)
        assert ref == customer_ref("17")
        (kept,) = partners(one)
        assert (kept["Description"], kept["Клиент"]) == ("Образцов Пример", True)
        back = canonical("customer", customers(one)[ref], one.options)
        assert list(Partners(one.base, one.options).look_up(["17"])) == [{**customers(one)[ref], "Ref_Key": "17"}]
        before = writes(one.ut)
        assert PartnerWriter(one.base, one.options).find(item(body, "Ref_Key")) == ref
        assert write(one, body, ref) == ref
        assert writes(one.ut) == before, "saying it again writes nothing"
    told = record.model_dump(exclude_unset=True, exclude={"customer_id", "name"})
    assert {name: value for name, value in back.model_dump().items() if name in told} == told
    assert back.name == "Образцов Пример"


@pytest.mark.parametrize("version", VERSIONS)
def test_contacts_are_written_as_the_forms_of_the_version_read_them(version: str) -> None:
    with opened(version) as one:
        write(one, payload())
        (kept,) = partners(one)
        phone, email = kept["КонтактнаяИнформация"]
    assert (phone["Тип"], phone["Вид_Key"], phone["НомерТелефона"]) == ("Телефон", references.PHONE_KIND, "79000000001")
    assert (email["АдресЭП"], email["ДоменноеИмяСервера"]) == ("buyer@example.com", "example.com")
    said = json.loads(phone["Значение"])
    assert (said["type"], said["countryCode"], said["areaCode"], said["number"]) == ("Телефон", "7", "900", "0000001")


def test_without_the_newer_property_contacts_are_xml() -> None:
    assert 'КодГорода="900"' in as_xml("Телефон", PHONE)
    assert 'Значение="a@example.com"' in as_xml("АдресЭлектроннойПочты", "a@example.com")
    assert ">Выдуманная &amp; ул</Состав>" in as_xml("Адрес", "Выдуманная & ул")
    assert json.loads(as_json("Телефон", "+375290000000"))["number"] == "375290000000"


@pytest.mark.field("E10")
@pytest.mark.parametrize(
    "spelling", ["+79000000001", "8 900 000-00-01", "8(900)0000001", "7 900 0000001", "+7 (900) 000 00 01"]
)
def test_e10_a_phone_in_any_spelling_finds_the_customer(spelling: str) -> None:
    with opened() as one:
        ref = one.ut.add_partner("Образцов Пример", phones=[spelling])
        assert write(one, payload()) == ref
        assert len(partners(one)) == 1


@pytest.mark.field("E10")
def test_e10_two_people_with_one_phone_are_for_a_person_to_decide() -> None:
    with opened() as one:
        for name in ("Образцов Пример", "Образцова Проба"):
            one.ut.add_partner(name, phones=[PHONE])
        with pytest.raises(Refused, match="2 times") as refused:
            write(one, payload())
        assert refused.value.code == "ambiguous"
        assert writes(one.ut) == []


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"cards": ["2900000000117"]}, {"Карты": ["2900000000117"]}),
        ({"tax_id": "7700000000", "company": True}, {"ИНН": "7700000000"}),
        ({"emails": ["buyer@example.com"]}, {"Почты": ["Buyer@Example.com"]}),
    ],
    ids=["card", "tax id", "e-mail"],
)
def test_a_customer_is_found_by_any_mark(known: dict[str, Any], told: Native) -> None:
    with opened() as one:
        ref = one.ut.add_partner("Образцов Пример", **known)
        assert write(one, {"Ref_Key": "17", "НаименованиеПолное": "Образцов Пример", **told}) == ref
        assert len(partners(one)) == 1


def test_a_card_is_stronger_than_a_phone() -> None:
    with opened() as one:
        one.ut.add_partner("Образцова Проба", phones=[PHONE])
        ref = one.ut.add_partner("Образцов Пример", cards=["2900000000117"])
        assert write(one, payload(Карты=["2900000000117"])) == ref


def test_a_deleted_customer_and_the_partner_of_channels_are_nobodys() -> None:
    with opened() as one:
        one.ut.mark_deleted(one.ut.add_partner("Образцов Пример", phones=[PHONE]))
        one.ut.change(references.PARTNER, КонтактнаяИнформация=one.ut.contacts([PHONE], []))
        assert write(one, payload()) == customer_ref("17")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_update_changes_only_what_is_ours(version: str) -> None:
    with opened(version) as one:
        ref = one.ut.add_partner(
            "Образцов Пример",
            phones=["+7 900 000-00-05"],
            emails=["old@example.com"],
            Комментарий="VIP",
            Поставщик=True,
        )
        skype = {"Тип": "Skype", "Представление": "obrazec", "LineNumber": "3"}
        one.ut.change(
            ref, КонтактнаяИнформация=[*one.ut.object(ref)["КонтактнаяИнформация"], skype], Description="Обр."
        )
        write(one, {"Ref_Key": ref, "НаименованиеПолное": "Образцов Пример Выдумкович", "Телефоны": [PHONE]}, ref)
        kept = one.ut.object(ref)
        assert (kept["НаименованиеПолное"], kept["Description"], kept["Комментарий"], kept["Поставщик"]) == (
            "Образцов Пример Выдумкович",
            "Обр.",
            "VIP",
            True,
        )
        contacts = {(row["Тип"], row["Представление"]) for row in kept["КонтактнаяИнформация"]}
        assert contacts == {("Телефон", PHONE), ("АдресЭлектроннойПочты", "old@example.com"), ("Skype", "obrazec")}
        assert [row["LineNumber"] for row in kept["КонтактнаяИнформация"]] == ["1", "2", "3"]


def test_a_number_that_stands_in_another_spelling_is_left_so() -> None:
    with opened() as one:
        ref = one.ut.add_partner("Образцов Пример", phones=["8 (900) 000-00-01"], emails=["buyer@example.com"])
        write(one, payload(), ref)
        assert writes(one.ut) == []


def test_a_customer_that_changes_under_our_hands_is_compared_anew() -> None:
    with opened() as one:
        ref = one.ut.add_partner("Образцов Пример")
        base = one.base
        change, times = base.change, []

        def meanwhile(entity_set: str, id_: str, body: Native, *, version: str) -> None:
            if not times:
                times.append(1)
                one.ut.change(ref, Комментарий="правка")
            change(entity_set, id_, body, version=version)

        base.change = meanwhile  # type: ignore[method-assign]  # a person who is faster
        write(one, payload(), ref)
        assert one.ut.object(ref)["Комментарий"] == "правка"
        assert len(one.ut.object(ref)["КонтактнаяИнформация"]) == 2

        def always(entity_set: str, id_: str, body: Native, *, version: str) -> None:
            one.ut.touch(ref)
            change(entity_set, id_, body, version=version)

        base.change = always  # type: ignore[method-assign]
        with pytest.raises(Later, match="was changed in 1C"):
            write(one, payload(НаименованиеПолное="Другой"), ref)


def test_a_tax_id_gets_a_contragent_of_its_own_once() -> None:
    with opened() as one:
        body = payload(ЮрФизЛицо="Компания", НаименованиеПолное="ООО «Образец»", ИНН="7700000000", КПП="770001001")
        ref = write(one, body)
        write(one, body, ref)
        legal = [row for row in one.ut.base.objects[CONTRAGENTS].values() if row["Партнер_Key"] == ref]
        assert [(row["ИНН"], row["КПП"], row["ЮрФизЛицо"]) for row in legal] == [("7700000000", "770001001", "ЮрЛицо")]
        bare = one.ut.add_partner("ИП Образцов", company=True)
        write(one, {"Ref_Key": bare, "ИНН": "770000000001"}, bare)
        legal = [row for row in one.ut.base.objects[CONTRAGENTS].values() if row["Партнер_Key"] == bare]
        assert [row["ИНН"] for row in legal] == ["770000000001"], "the one without a tax id got it"


@pytest.mark.parametrize("kind", ["drop_after", "status_after", "html"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_lost_answer_makes_no_second_customer(version: str, kind: Any) -> None:
    with opened(version) as one:
        one.ut.faults = [Fault(kind=kind, match=rf"POST .*{PARTNERS}\Z", status=503)]
        try:
            write(one, payload())
        except InDoubt:
            with client(one.ut, one.clock) as again:
                write(again, payload())
        assert len(partners(one)) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_base_with_references_of_its_own_gets_no_second_customer(version: str) -> None:
    with opened(version, sandbox={"honours_ref_key": False}) as one:
        one.ut.faults = [Fault(kind="drop_after", match=rf"POST .*{PARTNERS}\Z")]
        ref = write(one, payload())
        assert ref != customer_ref("17")
        assert write(one, payload()) == ref
        assert len(partners(one)) == 1


@pytest.mark.parametrize(
    ("body", "options", "error", "told"),
    [
        ({"Ref_Key": "17", "Телефоны": [PHONE]}, {}, Refused, "has no name"),
        (payload(), {"customer": {"email": references.EMAIL_KIND}}, ConfigurationError, "customer.phone"),
        (payload(Ошибка="да"), {}, None, ""),
    ],
    ids=["no name", "no kind of phone", "what is not ours is not sent"],
)
def test_what_cannot_be_written_says_so(body: Native, options: dict[str, Any], error: Any, told: str) -> None:
    with opened(**options) as one:
        if error is None:
            write(one, body)
            assert len(partners(one)) == 1
            return
        with pytest.raises(error, match=told):
            write(one, body)
        assert partners(one) == []


def test_a_customer_that_is_gone_from_the_base_is_told() -> None:
    with opened() as one:
        ref = one.ut.add_partner("Образцов Пример")
        one.ut.delete_for_good(ref)
        with pytest.raises(Refused, match="no longer in the base") as refused:
            write(one, payload(), ref)
        assert refused.value.code == "not_found"
