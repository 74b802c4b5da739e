"""Messages as a stream: what is whole is read in flat memory, what is not is refused before it is believed."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.onec.enterprisedata import message as reading
from connectors.onec.enterprisedata import package
from connectors.onec.enterprisedata.header import FORMAT, decoded_header, make_header
from connectors.onec.enterprisedata.message import Message, read_beginning, write_message
from connectors.onec.enterprisedata.package import first_bytes, parts, unpacked
from connectors.onec.enterprisedata.xml import Element, local, text
from obmen.errors import IncompleteSource

SPACE = f"{FORMAT}/1.21"
AT = datetime(2026, 6, 15, 6, 0, tzinfo=UTC)


def header(**changes: object) -> Element:
    told = {"plan": "П", "sender": "УТ", "to": "ОБМЕН", "number": 3, "received": 2, "version": "1.21"}
    return make_header(**{**told, "versions": ["1.8", "1.21"], "at": AT, **changes})  # type: ignore[arg-type]


def good(number: int, kind: str = "Справочник.Номенклатура", size: int = 1) -> Element:
    element = etree.Element(f"{{{SPACE}}}{kind}", nsmap={None: SPACE})
    key = etree.SubElement(element, f"{{{SPACE}}}КлючевыеСвойства")
    etree.SubElement(key, f"{{{SPACE}}}Ссылка").text = f"{number:08}-0000-4000-8000-000000000001"
    etree.SubElement(key, f"{{{SPACE}}}Наименование").text = "товар " * size
    return element


def written(tmp_path: Path, objects: Iterator[Element] | list[Element]) -> Path:
    path = tmp_path / "message.zip"
    write_message(path, header(), objects, "1.21")
    return path


def raw(body: str, head: str | None = None) -> bytes:
    shown = etree.tostring(header(), encoding="unicode") if head is None else head
    return f'<Message>{shown}<Body xmlns="{SPACE}">{body}</Body></Message>'.encode()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, [good(number) for number in range(5)])
    with unpacked(path) as stream:
        message = Message(stream)
        assert (message.header.version, message.header.sender) == ("1.21", "УТ")
        assert (message.header.number, message.header.received) == (3, 2)
        assert message.header.versions == ("1.8", "1.21")
        found = [text(element, "КлючевыеСвойства", "Ссылка") for element in message.objects()]
    assert found == [f"{number:08}-0000-4000-8000-000000000001" for number in range(5)]


def test_a_header_is_remembered_as_it_was() -> None:
    told = read_beginning(raw(""))
    assert decoded_header(told.encoded()) == told
    assert told.can_receive("Справочник.Склады", "1.8")
    assert not told.can_send("Справочник.Склады")
    assert not told.can_receive("Документ.Ненужный", "1.8")


@pytest.mark.parametrize(
    ("theirs", "allowed", "chosen"),
    [
        (("1.6", "1.7", "1.8"), ("1.8", "1.17", "1.21"), "1.8"),
        (("1.8", "1.17", "1.21", "1.22"), ("1.8", "1.17", "1.21"), "1.21"),
        (("1.8", "1.17", "1.21"), ("1.8", "1.17"), "1.17"),
        (("1.10", "1.22"), ("1.8", "1.17", "1.21"), ""),
    ],
)
def test_the_highest_version_that_both_know_is_written(
    theirs: tuple[str, ...], allowed: tuple[str, ...], chosen: str
) -> None:
    told = read_beginning(raw("", etree.tostring(header(versions=theirs), encoding="unicode")))
    assert told.writable(allowed) == chosen


def test_objects_that_are_not_kept_are_passed_over_and_forgotten(tmp_path: Path) -> None:
    objects = [good(number, "Документ.Ненужный") for number in range(3000)]
    path = written(tmp_path, [*objects, good(1), *objects, good(2)])
    with unpacked(path) as stream:
        message = Message(stream)
        most = 0
        for _ in message.objects():
            assert message._body is not None
            most = max(most, len(message._body))
    assert most < 1000


def test_a_long_message_is_never_held(tmp_path: Path) -> None:
    path = written(tmp_path, (good(number) for number in range(20_000)))
    with unpacked(path) as stream:
        message = Message(stream)
        most = count = 0
        for _ in message.objects():
            count += 1
            assert message._body is not None
            most = max(most, len(message._body))
    assert count == 20_000
    assert most < 500, "what fits into one chunk, and no more"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not begin as an exchange message|not whole"),
        (b"<html><body>1C</body></html>", "not begin as an exchange message"),
        (b"\x00\x01\x02", "not whole"),
        (raw("")[:-20], "not whole"),
        (raw("<a><b></a>"), "not whole"),
        (raw("", "<Header/>"), "not begin as an exchange message"),
        (
            raw(
                "", f'<m:Header xmlns:m="http://www.1c.ru/SSL/Exchange/Message"><m:Format>{SPACE}</m:Format></m:Header>'
            ),
            "no Confirmation",
        ),
        (raw("").replace(f"{FORMAT}/1.21".encode(), b"urn:another", 1), "is expected"),
        (raw("").replace(b"MessageNo>3", b"MessageNo>three"), "number is expected"),
        (raw("").replace(b"MessageNo>3", b"MessageNo>-3"), "number is expected"),
        (raw("").replace(f'<Body xmlns="{SPACE}">'.encode(), b"<Tail>").replace(b"</Body>", b"</Tail>"), "no Body"),
    ],
)
def test_what_is_no_whole_message_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(IncompleteSource, match=reason):
        list(Message(io.BytesIO(content)).objects())


def test_entities_and_document_types_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("тайна", encoding="utf-8")
    for doctype in (
        f'<!DOCTYPE Message [<!ENTITY x SYSTEM "{secret.as_uri()}">]>',
        '<!DOCTYPE Message [<!ENTITY a "1"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>',
        '<!DOCTYPE Message SYSTEM "http://127.0.0.1:9/x.dtd">',
    ):
        with pytest.raises(IncompleteSource):
            list(Message(io.BytesIO(doctype.encode() + raw("<a>&x;</a>"))).objects())


def test_depth_is_bounded() -> None:
    deep = "<a>" * 5000 + "</a>" * 5000
    with pytest.raises(IncompleteSource):
        list(Message(io.BytesIO(raw(deep))).objects())


def test_an_object_may_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_OBJECT", 1 << 20)
    rows = "<Строка>" + "x" * 1000 + "</Строка>"
    with pytest.raises(IncompleteSource, match="larger than"):
        list(Message(io.BytesIO(raw(f"<Документ.ЗаказКлиента>{rows * 3000}</Документ.ЗаказКлиента>"))).objects())


def test_nested_objects_of_a_kept_name_are_no_objects() -> None:
    inner = "<Справочник.Номенклатура><Справочник.Номенклатура/></Справочник.Номенклатура>"
    assert [local(element) for element in Message(io.BytesIO(raw(inner))).objects()] == ["Справочник.Номенклатура"]


# -- archives ---------------------------------------------------------------------------------------------


def archive(tmp_path: Path, **entries: bytes) -> Path:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries.items():
            opened.writestr(name.replace("_", "."), content)
    return path


def read(path: Path) -> bytes:
    with unpacked(path) as stream:
        return b"".join(iter(lambda: stream.read(65536), b""))


def test_an_archive_with_one_message(tmp_path: Path) -> None:
    assert read(archive(tmp_path, data_xml=b"<Message/>")) == b"<Message/>"
    assert read(archive(tmp_path, data_xml=b"<Message/>", picture_png=b"x")) == b"<Message/>"


@pytest.mark.parametrize("entries", [{}, {"a_txt": b"x"}, {"a_xml": b"1", "b_xml": b"2"}])
def test_an_archive_without_one_message(tmp_path: Path, entries: dict[str, bytes]) -> None:
    with pytest.raises(IncompleteSource, match=r"one data\.xml is expected"):
        read(archive(tmp_path, **entries))


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(IncompleteSource, match="no zip archive"):
        read(path)


def test_a_bomb_is_told_by_what_it_says_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "_FREE", 1000)
    with pytest.raises(IncompleteSource, match="unpacks from"):
        read(archive(tmp_path, data_xml=b"0" * 1_000_000))


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "_FREE", 1000)
    path = archive(tmp_path, data_xml=b"0" * 1_000_000)
    content = path.read_bytes()
    size = (1_000_000).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (500).to_bytes(4, "little")))
    with pytest.raises(IncompleteSource):
        read(path)


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = archive(tmp_path, data_xml=bytes(range(256)) * 1000)
    content = bytearray(path.read_bytes())
    content[80] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(IncompleteSource, match="damaged"):
        read(path)


def test_the_first_part_alone_tells_the_header(tmp_path: Path) -> None:
    path = written(tmp_path, [good(number) for number in range(1000)])
    beginning = first_bytes(path.read_bytes()[:3000])
    assert read_beginning(beginning).number == 3


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all, and long enough to look at"])
def test_a_first_part_that_is_none(content: bytes) -> None:
    with pytest.raises(IncompleteSource):
        first_bytes(content)


def test_a_stored_first_part(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("data.xml", raw(""))
    assert read_beginning(first_bytes(path.read_bytes())).number == 3
    content = path.read_bytes().replace(b"PK\x03\x04\x14\x00\x00\x00\x00\x00", b"PK\x03\x04\x14\x00\x00\x00\x0e\x00")
    with pytest.raises(IncompleteSource, match="method 14"):
        first_bytes(content)
    with pytest.raises(IncompleteSource, match="damaged"):
        first_bytes(b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(40))
    assert zlib.ZLIB_VERSION


@given(content=st.binary(max_size=400), size=st.integers(1, 100))
def test_parts_are_the_whole(tmp_path_factory: pytest.TempPathFactory, content: bytes, size: int) -> None:
    path = tmp_path_factory.mktemp("parts") / "x"
    path.write_bytes(content)
    cut = list(parts(path, size))
    assert b"".join(cut) == content
    assert all(len(part) == size for part in cut[:-1])
