"""What a stranger could send: archives that swell or lead elsewhere, entities, giants, halves. Nothing of it stays."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.onec.commerceml import CommerceML
from connectors.onec.commerceml.live import read_index
from connectors.onec.sandbox.pusher import ExchangeFailed
from connectors.onec.sandbox.pusher.wire import Dialogue
from connectors.onec.site import unpack, uploads
from connectors.onec.site.endpoint import SiteEndpoint
from obmen.errors import Refused
from tests.unit.onec.commerceml_kit import catalogue, document, good, natives, offer, package, price
from tests.unit.onec.site_kit import LOGIN, PASSWORD, DirectWire, pusher, records, site, standing

GOODS = document(catalogue(good("a", "A-1"))).encode()
NAME = "import0_1.xml"
MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exchange"


@pytest.fixture
def endpoint(folder: Path) -> Iterator[SiteEndpoint]:
    made = site(folder, push_limit=4 * MIB, file_limit=MIB)
    yield made
    made.close()


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as opened:
        for name, contents in entries:
            opened.writestr(name, contents)
    return packed.getvalue()


def begun(endpoint: SiteEndpoint) -> Dialogue:
    dialogue = Dialogue(DirectWire(endpoint), "catalog")
    dialogue.checkauth(LOGIN, PASSWORD)
    dialogue.init()
    return dialogue


def refused(endpoint: SiteEndpoint, sent: str, contents: bytes, asked: str = NAME) -> str:
    """Send one file in pieces and have one imported; return the refusal of either step, which leaves nothing."""
    dialogue = begun(endpoint)
    try:
        dialogue.send(sent, contents, MIB)
        dialogue.imported(asked)
    except ExchangeFailed as failed:
        return str(failed)
    pytest.fail("it was to be refused")


def taken(endpoint: SiteEndpoint, contents: bytes) -> None:
    dialogue = begun(endpoint)
    dialogue.send(NAME, contents, MIB)
    dialogue.imported(NAME)


def nothing_stands(folder: Path) -> bool:
    return (
        standing(folder)["files"] == [] and not list(folder.glob("push-*")) and not list(folder.glob("import_files/*"))
    )


class TestArchives:
    def test_one_that_swells(self, folder: Path) -> None:
        endpoint = site(folder)
        bomb = archive((NAME, b"\0" * (32 * MIB)))
        assert len(bomb) < MIB
        assert "сжат подозрительно сильно" in refused(endpoint, "v8.zip", bomb)
        assert nothing_stands(folder)
        endpoint.close()

    def test_one_that_is_larger_than_a_push_may_be(self, endpoint: SiteEndpoint, folder: Path) -> None:
        assert "больше, чем разрешает push_limit" in refused(endpoint, "v8.zip", archive((NAME, b"\0" * (5 * MIB))))
        assert nothing_stands(folder)

    def test_one_that_lies_of_its_size(self, endpoint: SiteEndpoint, folder: Path) -> None:
        packed = bytearray(archive((NAME, b"\0" * (5 * MIB))))
        for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
            place = packed.index(mark) + at
            packed[place : place + 4] = struct.pack("<I", 100)
        assert "повреждён" in refused(endpoint, "v8.zip", bytes(packed))
        assert nothing_stands(folder)

    @pytest.mark.parametrize("name", ["../../evil.xml", "/evil.xml/../..", "a/../../evil.xml", "..\\evil.xml"])
    def test_one_whose_names_lead_elsewhere(
        self, endpoint: SiteEndpoint, folder: Path, tmp_path: Path, name: str
    ) -> None:
        assert "Недопустимое имя" in refused(endpoint, "v8.zip", archive((NAME, GOODS), (name, GOODS)))
        assert nothing_stands(folder)
        assert not list(tmp_path.rglob("evil*"))

    def test_one_with_a_link(self, endpoint: SiteEndpoint, folder: Path) -> None:
        link = zipfile.ZipInfo("import_files/a.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        assert "ссылка" in refused(endpoint, "v8.zip", archive((link, b"/etc/passwd"), (NAME, GOODS)))
        assert nothing_stands(folder)

    def test_one_that_is_encrypted(self, endpoint: SiteEndpoint) -> None:
        packed = bytearray(archive((NAME, GOODS)))
        for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
            packed[packed.index(mark) + at] |= 1
        assert "зашифрован" in refused(endpoint, "v8.zip", bytes(packed))

    def test_one_that_1c_would_not_write(self, endpoint: SiteEndpoint) -> None:
        packed = archive((NAME, GOODS), method=zipfile.ZIP_BZIP2)
        assert "способом, которым 1С не пользуется" in refused(endpoint, "v8.zip", packed)

    def test_one_with_too_many_files(self, endpoint: SiteEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uploads, "MAX_FILES", 5)
        packed = archive(*((f"import_files/{n}.jpg", b"") for n in range(9)), (NAME, GOODS))
        assert "Слишком много файлов" in refused(endpoint, "v8.zip", packed)

    def test_one_with_a_giant_directory(self, endpoint: SiteEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unpack, "_LARGEST_DIRECTORY", 500)
        packed = archive(*((f"import_files/{n}.jpg", b"") for n in range(20)), (NAME, GOODS))
        assert "слишком много файлов" in refused(endpoint, "v8.zip", packed)

    def test_one_with_a_directory_of_the_large_kind(self, endpoint: SiteEndpoint) -> None:
        packed = archive((NAME, GOODS))
        at = packed.rindex(b"PK\x05\x06")
        large = packed[:at] + b"PK\x06\x07" + bytes(16) + packed[at:]
        assert "слишком много файлов" in refused(endpoint, "v8.zip", large)

    @pytest.mark.parametrize("size", [2, 30, 100, -1, -22])
    def test_half_of_one(self, endpoint: SiteEndpoint, folder: Path, size: int) -> None:
        text = refused(endpoint, "v8.zip", archive((NAME, GOODS))[:size])
        assert "не полностью" in text or "повреждён" in text
        assert nothing_stands(folder)

    def test_one_that_was_spoilt_on_its_way(self, endpoint: SiteEndpoint, folder: Path) -> None:
        packed = bytearray(archive((NAME, GOODS), method=zipfile.ZIP_STORED))
        packed[packed.index(b"A-1")] = ord("B")
        assert "повреждён" in refused(endpoint, "v8.zip", bytes(packed))
        assert nothing_stands(folder)

    def test_names_of_russian_dos_are_read(self, endpoint: SiteEndpoint, folder: Path) -> None:
        packed = archive((NAME, GOODS), ("import_files/foto.jpg", b"\xff\xd8"))
        spelt = "ёжик".encode("cp866")
        renamed = packed.replace(b"foto.jpg", spelt + b".jpg")
        dialogue = begun(endpoint)
        dialogue.send("v8.zip", renamed, MIB)
        dialogue.imported(NAME)
        assert (folder / "import_files" / "ёжик.jpg").exists()


BILLION = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n'
    "<КоммерческаяИнформация><Каталог><Товары><Товар><Ид>&b;</Ид></Товар></Товары></Каталог></КоммерческаяИнформация>"
)
DEEP = document(catalogue(good("a", extra="<я>" * 5000 + "</я>" * 5000)))
FAR = document(f"<Классификатор>{'<Группа>' * 400}{'</Группа>' * 400}</Классификатор>")


class TestFiles:
    @pytest.mark.parametrize(
        ("contents", "said"),
        [
            (b"", "пуст"),
            (b"\n \n", "пуст"),
            (b"hello", "не CommerceML"),
            (b"<html/>", "не CommerceML"),
            (BILLION.encode(), "DOCTYPE"),
            (BILLION.replace("lolz [", 'lolz SYSTEM "file:///etc/passwd" [').encode(), "DOCTYPE"),
            (GOODS[:-5], "не полностью"),
            (GOODS[: len(GOODS) // 2], "не полностью"),
            (GOODS.replace("</Товары>".encode(), b""), "повреждён"),
            (GOODS.replace("<Каталог".encode(), "<Классификатор></Группа><Каталог".encode()), "повреждён"),
            (FAR.encode(), "повреждён"),
            (GOODS.replace(b"UTF-8", b"EBCDIC"), "повреждён"),
            (b"\x00" * 100, "не CommerceML"),
        ],
    )
    def test_what_is_no_whole_export_is_refused_in_words(
        self, endpoint: SiteEndpoint, folder: Path, contents: bytes, said: str
    ) -> None:
        text = refused(endpoint, NAME, contents)
        assert said in text
        assert NAME in text
        assert nothing_stands(folder)

    def test_a_broken_record_harms_only_itself(self, endpoint: SiteEndpoint, folder: Path) -> None:
        goods = document(catalogue(good("a"), "<Товар><Ид>b</Ид><Наименование>&нет;</Наименование></Товар>", good("c")))
        taken(endpoint, goods.encode())
        assert len(standing_files(folder)) == 1
        (page,) = CommerceML(folder).products()
        with pytest.raises(Refused, match=r"push-00000001/import0_1.xml:\d+: "):
            natives([page])

    def test_a_deep_record_harms_only_itself(self, endpoint: SiteEndpoint, folder: Path) -> None:
        taken(endpoint, DEEP.encode())
        assert len(standing_files(folder)) == 1

    def test_a_giant_record_is_refused(self, folder: Path) -> None:
        endpoint = site(folder)
        giant = document(catalogue(good("a", extra=f"<Описание>{'я' * (9 * MIB)}</Описание>"))).encode()
        assert "повреждён" in refused(endpoint, NAME, giant)
        assert nothing_stands(folder)
        endpoint.close()

    def test_half_a_push_is_never_imported(self, endpoint: SiteEndpoint, folder: Path) -> None:
        whole = {NAME: GOODS, "offers0_1.xml": document(package(offer("a", price("10")))).encode()}
        dialogue = begun(endpoint)
        for name, contents in whole.items():
            dialogue.send(name, contents, MIB)
        dialogue.imported(NAME)
        assert nothing_stands(folder), "1C has more to import"
        dialogue.imported("offers0_1.xml")
        assert len(standing_files(folder)) == 2

    def test_nor_one_with_a_broken_file(self, endpoint: SiteEndpoint, folder: Path) -> None:
        dialogue = begun(endpoint)
        dialogue.send("offers0_1.xml", document(package(offer("a", price("10")))).encode()[:-9], MIB)
        dialogue.send(NAME, GOODS, MIB)
        dialogue.imported(NAME)
        for _ in range(2):
            with pytest.raises(ExchangeFailed, match="не полностью"):
                dialogue.imported("offers0_1.xml")
        assert nothing_stands(folder)

    def test_more_in_one_call_than_was_agreed(self, endpoint: SiteEndpoint, folder: Path) -> None:
        dialogue = begun(endpoint)
        with pytest.raises(ExchangeFailed, match="file_limit"):
            dialogue.send(NAME, b" " * (MIB + 1), 0)
        assert sum(path.stat().st_size for path in folder.rglob("incoming/**/*") if path.is_file()) <= MIB + 1

    def test_more_in_all_than_a_push_may_bring(self, endpoint: SiteEndpoint, folder: Path) -> None:
        dialogue = begun(endpoint)
        for number in range(4):
            dialogue.send(f"import_files/{number}.jpg", b"0" * (MIB - 1), MIB)
        with pytest.raises(ExchangeFailed, match="push_limit"):
            dialogue.send("import_files/5.jpg", b"0" * (MIB - 1), MIB)
        assert sum(path.stat().st_size for path in folder.rglob("incoming/**/*") if path.is_file()) <= 4 * MIB + 1

    def test_too_many_files(self, endpoint: SiteEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uploads, "MAX_FILES", 3)
        dialogue = begun(endpoint)
        for number in range(3):
            dialogue.send(f"import_files/{number}.jpg", b"0", MIB)
        with pytest.raises(ExchangeFailed, match="Слишком много файлов"):
            dialogue.send("import_files/4.jpg", b"0", MIB)

    def test_a_file_in_many_pieces(self, folder: Path) -> None:
        endpoint = site(folder, file_limit=1024, zip=False)
        text = document(catalogue(*(good(f"{n}", f"A-{n}") for n in range(200)))).encode()
        assert len(text) > 9 * 1024
        pusher(endpoint).push({NAME: text})
        assert len(records(folder)["products"]) == 200
        endpoint.close()

    @pytest.mark.parametrize("text", [BILLION, GOODS[:-4].decode(errors="ignore")])
    def test_orders_are_looked_at_as_closely(self, endpoint: SiteEndpoint, text: str) -> None:
        dialogue = Dialogue(DirectWire(endpoint), "sale")
        dialogue.checkauth(LOGIN, PASSWORD)
        dialogue.init()
        dialogue.send("orders-1_1.xml", text.encode(), MIB)
        with pytest.raises(ExchangeFailed, match=r"DOCTYPE|не полностью"):
            dialogue.imported("orders-1_1.xml")


def standing_files(folder: Path) -> list[str]:
    index = read_index(folder)
    assert index is not None
    return [file.name for file in index.files]


@pytest.mark.parametrize("spoil", [lambda text: text[:9], lambda text: text + b"}"])
def test_a_spoilt_list_is_told(folder: Path, spoil: Callable[[bytes], bytes]) -> None:
    endpoint = site(folder)
    listed = folder / ".site" / "live.json"
    listed.write_bytes(spoil(listed.read_bytes()))
    with pytest.raises(ExchangeFailed, match=r"live\.json"):
        pusher(endpoint).push({NAME: GOODS})
    endpoint.close()
