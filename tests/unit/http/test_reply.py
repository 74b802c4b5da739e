"""Answers: whole or not, by path, and as raw slices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obmen.errors import IncompleteSource
from obmen.http import Reply, encode_json
from obmen.http.reply import Expect


def _reply(content: bytes, status: int = 200, kind: str = "application/json") -> Reply:
    return Reply(status, {"Content-Type": kind}, content, what="shop: GET /list")


def test_a_dotted_path_is_read() -> None:
    reply = _reply(b'{"result": {"last_id": "x", "items": [], "none": null}}')
    assert reply["result.last_id"] == "x"
    assert reply.get("result.none", 1) is None
    assert reply.get("result.last_id.deeper", "no") == "no"
    with pytest.raises(IncompleteSource, match=r"shop: GET /list: the answer has no result\.next"):
        reply["result.next"]


def test_an_answer_in_another_alphabets_bytes_is_not_whole() -> None:
    with pytest.raises(IncompleteSource, match="the answer is not JSON"):
        _reply('{"text": "Склад"}'.encode("cp1251")).json()


def test_numbers_with_a_fraction_are_exact() -> None:
    assert _reply(b'{"a": 0.1, "b": 2}').json() == {"a": Decimal("0.1"), "b": 2}
    assert encode_json({"a": Decimal("0.10")}) == b'{"a":0.10}'


def test_slices_are_the_bytes_that_came() -> None:
    reply = _reply(b'{"result": {"items": [ {"a": 1.50,  "b": "\\u0416"} , {}, 7 ], "x": [0]}}')
    assert reply.slices("result.items") == [b'{"a": 1.50,  "b": "\\u0416"}', b"{}", b"7"]
    assert _reply(b"[1, [2]]").slices("") == [b"1", b"[2]"]


@pytest.mark.parametrize("content", [b"{}", b'{"items": null}', b'{"items": {}}', b"[]", b'{"items": [1', b"<html>"])
def test_a_list_that_is_not_there_is_an_incomplete_source(content: bytes) -> None:
    with pytest.raises(IncompleteSource, match="no list at items"):
        _reply(content).slices("items")


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.none())))
def test_slices_put_together_are_the_list(records: list[dict[str, object]]) -> None:
    content = encode_json({"rows": records})
    assert b'{"rows":[' + b",".join(_reply(content).slices("rows")) + b"]}" == content


@pytest.mark.parametrize(
    ("expect", "content", "kind", "whole"),
    [
        ("json", b'{"a": [1, 2]}', "application/json", True),
        ("json", b'\xef\xbb\xbf{"a": 1}', "application/json", True),
        ("json", b" true ", "text/plain", True),
        ("json", b'{"a": [1, 2]', "application/json", False),
        ("json", b'{"a": 1} {"b": 2}', "application/json", False),
        ("json", b"", "application/json", False),
        ("json", b"<html></html>", "application/json", False),
        ("xml", b"<?xml version='1.0'?>\n<a><b/></a>\n", "application/xml", True),
        ("xml", b"\xef\xbb\xbf<a/>", "application/atom+xml", True),
        ("xml", b"<a><b/", "application/xml", False),
        ("xml", b"<html><a/></html>", "text/html", False),
        ("xml", b"<!DOCTYPE html><a/>", "application/xml", False),
        ("xml", b"success", "text/plain", False),
        ("any", b"success", "text/plain", True),
    ],
)
def test_half_an_answer_or_another_kind_is_told_apart(expect: Expect, content: bytes, kind: str, whole: bool) -> None:
    assert _reply(content, kind=kind).holds(expect) is whole


def test_no_content_is_whole() -> None:
    assert _reply(b"", status=204).holds("json")


def test_what_is_not_json_says_so() -> None:
    with pytest.raises(IncompleteSource, match=r"shop: GET /list: the answer is not JSON"):
        _reply(b"<html>").json()
