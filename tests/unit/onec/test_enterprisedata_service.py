"""The web services: who is let in, what their words mean, and what a hostile description cannot make us do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.onec.enterprisedata.door import transport
from connectors.onec.enterprisedata.options import EnterpriseDataOptions
from connectors.onec.enterprisedata.service import Service
from connectors.onec.enterprisedata.trouble import fault_of, meaning
from connectors.onec.sandbox import references
from connectors.onec.sandbox.enterprisedata import EnterpriseDataSandbox
from connectors.onec.sandbox.enterprisedata.description import EXCHANGE, describe
from obmen.connector import Finding
from obmen.errors import ConfigurationError, Denied, Refused, Unavailable
from obmen.http import Http
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault, Request, Response, route
from obmen.usage import Usage

from .enterprisedata_kit import HAT, calls, connected, custom, fill, item, natives, payload, write

_PATH = r"(?:/\w+)?/ws/(?P<service>\w+)\.1cws"


def options(base: EnterpriseDataSandbox, **changes: Any) -> EnterpriseDataOptions:
    return EnterpriseDataOptions(**{**base.connection()["enterprisedata"], **changes})


@contextmanager
def service(base: EnterpriseDataSandbox, **changes: Any) -> Iterator[Service]:
    told = options(base, **changes)
    http = Http("ut", transport(told), clock=FakeClock())
    try:
        yield Service(http, told.plan, told.node)
    finally:
        http.close()


def test_a_cyrillic_login_is_sent_in_utf_8() -> None:
    assert references.USERNAME == "Обмен"
    with EnterpriseDataSandbox() as base, service(base) as opened:
        opened.test()


def test_a_wrong_password_is_denied_and_never_shown() -> None:
    with EnterpriseDataSandbox() as base, service(base, password="не тот пароль") as opened:
        with pytest.raises(Denied, match="username") as denied:
            opened.test()
        assert "не тот пароль" not in str(denied.value)


def test_an_unknown_node_and_an_unknown_base() -> None:
    with EnterpriseDataSandbox() as base:
        with service(base, node="НЕТ") as opened, pytest.raises(ConfigurationError, match=r"enterprisedata\.node"):
            opened.test()
        with service(base, url=f"{base.url}/a/b") as opened, pytest.raises(ConfigurationError, match="404"):
            opened.test()


@pytest.mark.parametrize("offered", [(), ("1.0.1.1",), ("1.0.0.1", "1.0.1.1")])
def test_the_version_of_the_service_is_chosen(offered: tuple[str, ...]) -> None:
    with EnterpriseDataSandbox(versions_offered=offered) as base, service(base) as opened:
        assert opened.choose() == "1.0.1.1"


def test_a_base_that_offers_other_versions_only() -> None:
    offers = pytest.raises(ConfigurationError, match=r"offers EnterpriseDataExchange 2\.0\.1\.1")
    with EnterpriseDataSandbox(versions_offered=("2.0.1.1",)) as base, service(base) as opened, offers:
        opened.choose()


def test_a_base_without_the_service_of_versions() -> None:
    with EnterpriseDataSandbox() as base, service(base) as opened:
        base.faults.append(Fault(kind="status", status=404, match="InterfaceVersion", times=None))
        assert opened.choose() == "1.0.1.1"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("Конфликт блокировок при выполнении транзакции", Unavailable),
        ("Ошибка блокировки обмена данными.", Unavailable),
        ("Не обнаружено свободной лицензии!", Unavailable),
        ("Информационная база находится в состоянии обновления.", Unavailable),
        ("Недостаточно прав для выполнения синхронизации данных.", Denied),
        ("Указанный узел плана обмена не найден.", ConfigurationError),
        ("Не заполнено поле «Организация»", Refused),
        ("", Refused),
    ],
)
def test_words_and_what_to_do_next(words: str, error: type[Exception]) -> None:
    told = meaning("PutData", words)
    assert type(told) is error
    assert words in str(told)


def test_faults_of_both_protocols() -> None:
    soap12 = """<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault>
      <e:Reason><e:Text>Нет прав</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>"""
    assert fault_of(soap12.encode()) == "Нет прав"
    assert fault_of(b"<Fault>") is None
    assert fault_of(b"<Envelope><Fault/></Envelope>") is None
    with EnterpriseDataSandbox() as base, service(base) as opened:
        base.faults.append(custom("licence", "TestConnection", times=None))
        with pytest.raises(Unavailable, match="лицензии"):
            opened.test()
        base.faults[:] = [custom("licence", "TestConnection")]
        opened.test()


class Hostile(EnterpriseDataSandbox):
    """A server whose description is what the test says."""

    content = b""

    @route("GET", _PATH)
    def description(self, request: Request, service: str) -> Response:
        del request, service
        return Response(body=self.content, headers={"Content-Type": "text/xml"})


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body>login</body></html>",
        b"<definitions/>",
        b"not xml at all",
        b"<a><b></a>",
        describe(EXCHANGE, "http://x").replace(
            b"<types>", b'<import namespace="urn:x" location="http://127.0.0.1:9/secret"/><types>'
        ),
        describe(EXCHANGE, "http://x").replace(
            b"<types>", b'<import namespace="urn:x" location="file:///etc/passwd"/><types>'
        ),
        describe(EXCHANGE, "http://x").replace(
            b'elementFormDefault="qualified">',
            b'elementFormDefault="qualified"><xs:include schemaLocation="http://127.0.0.1:9/x.xsd"/>',
            1,
        ),
        describe(EXCHANGE, "http://x").replace(
            b"<definitions", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><definitions', 1
        ),
        describe(EXCHANGE, "http://x").replace(b"SoapBinding", b"OtherBinding"),
    ],
    ids=["page", "empty", "text", "broken", "import", "file", "include", "doctype", "binding"],
)
def test_a_hostile_description_is_refused(content: bytes) -> None:
    with Hostile(journal=True) as base, service(base) as opened:
        base.content = content
        with pytest.raises((ConfigurationError, Unavailable)) as refused:
            opened.test()
        assert "root:" not in str(refused.value)
        assert all(exchange.method == "GET" for exchange in base.journal), "nothing was called by it"


def test_an_answer_that_is_not_the_services() -> None:
    class Odd(EnterpriseDataSandbox):
        @route("POST", _PATH + r"/(?P<operation>\w*)")
        def call(self, request: Request, service: str, operation: str) -> Response:
            del request, service, operation
            return Response(body=b"<?xml version='1.0'?><!DOCTYPE a><a/>", headers={"Content-Type": "text/xml"})

    with Odd() as base, service(base) as opened, pytest.raises(Unavailable, match="cannot be read"):
        opened.test()


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "not an address"},
        {"node": " "},
        {"part_size_kb": 0},
        {"part_size_kb": 100_000},
        {"versions": ("1.9",)},
        {"versions": ()},
        {"order": {"organization": "нет", "contragent": references.CONTRAGENT}},
        {"order": {"organization": "00000000-0000-0000-0000-000000000000", "contragent": references.CONTRAGENT}},
        {"poll": 0},
        {"unknown": 1},
    ],
)
def test_options_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    told = {"url": "http://1c.example/ut", "node": "ОБМЕН", "folder": "x"}
    assert EnterpriseDataOptions(**{**told, "url": "http://1c.example/ut/ws/"}).url == "http://1c.example/ut"
    with pytest.raises(ValidationError):
        EnterpriseDataOptions(**{**told, **changes})


# -- check ------------------------------------------------------------------------------------------------


def levels(findings: list[Finding]) -> dict[str, str]:
    return {finding.option: finding.level for finding in findings if finding.level != "ok"}


def told(findings: list[Finding], level: str) -> str:
    return "\n".join(finding.message for finding in findings if finding.level == level)


def test_check_says_what_can_be_read_and_written(tmp_path: Path) -> None:
    with connected(tmp_path, version="11.4.2") as (opened, base):
        fill(base)
        findings = list(opened.check())
        assert "order_status cannot be read: the base does not send Справочник.СостояниеЗаказа" in told(
            findings, "warning"
        )
        assert "customer is read without Справочник.ДисконтныеКарты" in told(findings, "warning")
        assert "Messages to the base go in version 1.8 of EnterpriseData" in told(findings, "ok")
        assert "Stock is not read by this door" in told(findings, "ok")
        assert told(findings, "problem") == ""
        assert base.node.registered, "a check acknowledges nothing"
        assert "PutData" not in calls(base)
        assert base.files == {}
        natives(opened.products())
        assert not opened.offers("order_status")
        assert not opened.offers("stock")
        assert opened.offers("product")


def test_check_finds_references_that_the_base_has_not_sent(tmp_path: Path) -> None:
    order = {
        "organization": references.ORGANIZATION,
        "contragent": HAT,
        "contract": HAT,
        "warehouses": {"Нет такого": HAT},
    }
    with connected(tmp_path, options={"order": order}) as (opened, _):
        natives(opened.products())
        assert [finding.option for finding in opened.check() if finding.level == "problem"] == [
            "enterprisedata.order.contragent",
            "enterprisedata.order.contract",
            "enterprisedata.order.warehouses.Нет такого",
        ]


def test_check_of_what_cannot_work(tmp_path: Path) -> None:
    with connected(tmp_path / "a", options={"password": "нет"}) as (opened, _):
        assert levels(list(opened.check())) == {"enterprisedata.username": "problem"}
    with connected(tmp_path / "b", options={"node": "НЕТ"}) as (opened, _):
        assert levels(list(opened.check())) == {"enterprisedata.url": "problem"}
    with connected(tmp_path / "c", finished=False) as (opened, base):
        assert "not finished in 1C" in told(list(opened.check()), "problem")
        assert base.node.peer_versions == (), "a check does not answer"
    with connected(tmp_path / "d", version="11.4.2", options={"versions": ("1.21",)}) as (opened, _):
        assert "Nothing can be written" in told(list(opened.check()), "problem")
    with connected(tmp_path / "e") as (opened, base):
        base.faults.append(custom("action_failed", "PrepareDataForGetting"))
        assert "could not put its message together" in told(list(opened.check()), "problem")


def test_check_while_another_process_exchanges(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        with opened.exchange.mirror.alone():
            assert "Another process exchanges" in told(list(opened.check()), "problem")
        natives(opened.products())
        with opened.exchange.mirror.alone():
            assert "product can be read" in told(list(opened.check()), "ok"), "as the last message told"


def test_nothing_that_is_secret_or_personal_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.customers())
        write(opened, payload("7"))
        assert opened.find_order(item(payload("7"))) is not None
    shown = "".join(capsys.readouterr())
    assert "enterprisedata.received" in shown
    for secret in (references.PASSWORD, "Образцов", "+79000000001", "Выдуманная"):
        assert secret not in shown


def test_check_names_the_flows_that_lack_something_and_is_silent_of_the_rest(tmp_path: Path) -> None:
    used = Usage({"product": ("goods",), "order_status": ("statuses",)}, {"order": ("orders",)})
    with connected(tmp_path, version="11.4.2") as (opened, base):
        fill(base)
        findings = list(opened.check(used))
        assert [finding.message for finding in findings if finding.level == "problem"] == [
            "order_status (flow statuses) cannot be read: the base does not send Справочник.СостояниеЗаказа."
        ]
        fine = told(findings, "ok")
        assert "product (flow goods) can be read." in fine
        assert "order (flow orders) can be written." in fine
        assert "customer" not in "".join(finding.message for finding in findings)
