"""The client: its login, its addresses and literals, its pages, and answers that are none."""

import base64
from datetime import UTC, datetime

import pytest

from connectors.onec.odata.client import OData, guid, is_reference, moment, text
from connectors.onec.odata.order_body import DOCUMENT
from connectors.onec.sandbox import OneCSandbox, references
from obmen.errors import ConfigurationError, Denied, InDoubt, Unavailable
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault, Request, Response
from tests.unit.onec.odata_support import connected, connection, deliver, item, payload, write

REF = "8d1d7287-6240-11f1-9296-08002761f3c5"


def test_literals_are_those_of_version_2() -> None:
    assert guid(REF.upper()) == f"guid'{REF}'"
    assert moment(datetime(2026, 6, 15, 9, 50, 9, 123, tzinfo=UTC)) == "datetime'2026-06-15T09:50:09'"
    assert text("О'Нил") == "'О''Нил'"
    with pytest.raises(ValueError, match="UUID"):
        guid("x' or Ref_Key ne guid'")


def test_a_reference_to_nothing_is_none() -> None:
    assert is_reference(REF)
    assert not is_reference("00000000-0000-0000-0000-000000000000")
    assert not is_reference("A-1")
    assert not is_reference(None)


def test_a_cyrillic_login_is_sent_as_utf8() -> None:
    with connected() as (onec, sandbox):
        assert onec.find("order", item(payload())) is None
        sent = sandbox.journal[0].request_headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"{references.USERNAME}:{references.PASSWORD}"
    assert not references.USERNAME.isascii()


def test_a_wrong_password_is_denied_with_the_next_step_and_is_not_shown() -> None:
    with connected(password="не-тот-пароль") as (onec, sandbox):
        with pytest.raises(Denied, match="Check the connection's username") as denied:
            write(onec, payload())
        assert sandbox.state()["orders"] == []
    assert "не-тот-пароль" not in str(denied.value)


@pytest.mark.parametrize("name", ["Trade", "trade/odata/standard.odata/", "trade/odata/standard.odata"])
def test_the_address_may_be_given_with_or_without_the_interface(name: str) -> None:
    with OneCSandbox() as sandbox:
        onec = connection(sandbox.url, FakeClock(), url=f"{sandbox.url}/{name}")
        assert OData(onec.http).metadata().sets
        onec.close()


def test_an_address_where_no_base_is_says_so() -> None:
    with OneCSandbox() as sandbox:
        nowhere = connection(sandbox.url, FakeClock(), url=f"{sandbox.url}/a/b/c")
        with pytest.raises(ConfigurationError, match="check the connection's url"):
            OData(nowhere.http).metadata()
        nowhere.close()


def test_values_in_a_filter_cannot_break_out_of_it() -> None:
    wild = "a&$top=0 #1 + 50% 'x'"
    with connected() as (onec, sandbox):
        assert deliver(onec, payload(wild)).kind == "done"
        assert deliver(onec, payload(wild)).kind == "done"
        assert [order["НомерПоДаннымКлиента"] for order in sandbox.state()["orders"]] == [wild]
        asked = [e.query["$filter"] for e in sandbox.journal if "$filter" in e.query]
    assert asked[0].startswith("НомерПоДаннымКлиента eq 'a&$top=0 #1 + 50% ''x'''")


def test_pages_adapt_to_bytes_and_bring_everything_once() -> None:
    with connected() as (onec, sandbox):
        for at in range(230):
            body = {"LineNumber": "1", "Содержание": "х" * 4000}
            sandbox.base.create(DOCUMENT, {"Комментарий": str(at), "Товары": [body]}, own_ref=True)
        pages = list(OData(onec.http).pages(DOCUMENT, where="Posted eq false"))
        tops = [int(e.query["$top"]) for e in sandbox.journal if "$top" in e.query]
    refs = [row["Ref_Key"] for page in pages for row in page]
    assert refs == sorted(set(refs))
    assert len(refs) == 230
    assert tops[0] == 100
    assert all(top < 100 for top in tops[1:])
    assert {e.query.get("$orderby") for e in sandbox.journal if "$top" in e.query} == {"Ref_Key"}


def test_html_with_status_200_is_never_taken_for_success() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [Fault(kind="html", match="GET", times=None)]
        with pytest.raises(Unavailable):
            onec.find("order", item(payload()))
        sandbox.faults = [Fault(kind="html", match="POST")]
        with pytest.raises(InDoubt):
            write(onec, payload())
        assert sandbox.state()["orders"] == []


def test_a_page_instead_of_metadata_is_not_read_as_an_empty_base() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [Fault(kind="html", match="metadata", times=None)]
        with pytest.raises(Unavailable, match="page"):
            OData(onec.http).metadata()


def test_an_answer_to_a_creation_that_is_no_object_leaves_it_in_doubt() -> None:
    class Mute(OneCSandbox):
        def post_one(self, request: Request, name: str) -> Response:
            super().post_one(request, name)
            return Response(201, json={})

    with Mute() as sandbox:
        onec = connection(sandbox.url, FakeClock())
        with pytest.raises(InDoubt):
            OData(onec.http).create(DOCUMENT, {"Ref_Key": REF})
        assert len(sandbox.state()["orders"]) == 1
        onec.close()
