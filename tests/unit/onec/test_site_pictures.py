"""Pictures that 1C pushes beside its goods: kept while a good shows them, and told to channels by address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

from connectors.onec.commerceml import CommerceML
from connectors.onec.site.database import Database
from connectors.onec.site.endpoint import SiteEndpoint
from connectors.onec.site.pictures import URLS, with_addresses
from obmen.mapping import Context, load_mapping
from tests.unit.onec.commerceml_kit import catalogue, document, good, natives
from tests.unit.onec.site_kit import DirectWire, pusher, served, site

PRESET = Path(__file__).resolve().parents[3] / "mappings" / "onec" / "commerceml" / "product.yaml"
PICTURE = "import_files/2b/good_1.jpg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exchange"


@pytest.fixture
def endpoint(folder: Path) -> Iterator[SiteEndpoint]:
    made = site(folder, public_url="https://shop.example/ut")
    yield made
    made.close()


def pictured(*paths: str) -> str:
    return "".join(f"<Картинка>{path}</Картинка>" for path in paths)


class TestPictures:
    def push(self, endpoint: SiteEndpoint, paths: tuple[str, ...], files: dict[str, bytes], made_at: str = "1") -> None:
        goods = document(catalogue(good("a", extra=pictured(*paths))), made_at=made_at).encode()
        pusher(endpoint).push({"import0_1.xml": goods, **files})

    def addressed(self, folder: Path) -> list[str]:
        pages = list(with_addresses(CommerceML(folder).products(), Database(folder), "https://shop.example/ut"))
        (native,) = natives(pages)
        found: list[str] = native.get(URLS, [])
        return found

    def test_they_have_addresses_that_lead_to_them(self, endpoint: SiteEndpoint, folder: Path) -> None:
        self.push(endpoint, (PICTURE, "import_files/none.jpg"), {PICTURE: b"\xff\xd8one"})
        (address,) = self.addressed(folder)
        assert address.startswith(f"https://shop.example/ut/files/{PICTURE}?v=")
        wire = DirectWire(endpoint)
        with served(wire.endpoint) as url:
            found = requests.get(address.replace("https://shop.example/ut", url), timeout=30)
            assert found.content == b"\xff\xd8one"
            assert found.headers["Content-Type"] == "image/jpeg"
            for path in (
                "files/import0_1.xml",
                "files/.site/site.db",
                "files/..%2f..%2fetc/passwd",
                "files/none.jpg",
                "files/",
            ):
                assert requests.get(f"{url}/{path}", timeout=30).status_code == 404, path

    def test_they_are_not_served_without_a_public_address(self, folder: Path) -> None:
        endpoint = site(folder)
        self.push(endpoint, (PICTURE,), {PICTURE: b"one"})
        with served(endpoint) as url:
            assert requests.get(f"{url}/files/{PICTURE}", timeout=30).status_code == 404
        endpoint.close()

    def test_a_changed_one_gets_another_address_and_its_goods_are_read_anew(
        self, endpoint: SiteEndpoint, folder: Path
    ) -> None:
        self.push(endpoint, (PICTURE,), {PICTURE: b"one"})
        before, salt = self.addressed(folder), self.salt(folder)
        self.push(endpoint, (PICTURE,), {PICTURE: b"one"}, made_at="2")
        assert (self.addressed(folder), self.salt(folder)) == (before, salt)
        self.push(endpoint, (PICTURE,), {PICTURE: b"two"}, made_at="3")
        assert self.addressed(folder) != before
        assert self.salt(folder) != salt

    @pytest.mark.field("B6")
    def test_b6_what_is_added_changed_deleted_and_reordered_at_the_source_is_so_in_images(
        self, endpoint: SiteEndpoint, folder: Path
    ) -> None:
        first, second = PICTURE, "import_files/3c/second.jpg"
        preset = load_mapping(PRESET).bind(Context(connection="ut", options={}, zone=ZoneInfo("Europe/Moscow")))

        def images() -> list[str]:
            pages = with_addresses(CommerceML(folder).products(), Database(folder), "https://shop.example/ut")
            (native,) = natives(pages)
            return list(preset.pull(native, {}).get("images", ()))

        self.push(endpoint, (first,), {first: b"one"})
        (one,) = images()
        self.push(endpoint, (first, second), {first: b"one", second: b"two"}, made_at="2")
        assert images()[0] == one, "a picture that did not change keeps its address"
        two = images()[1]
        self.push(endpoint, (second, first), {}, made_at="3")
        assert images() == [two, one]
        self.push(endpoint, (second, first), {second: b"2"}, made_at="4")
        changed = images()
        assert (changed[0].partition("?")[0], changed[1]) == (two.partition("?")[0], one)
        assert changed[0] != two, "a channel fetches an address once, so what changed gets another"
        self.push(endpoint, (first,), {}, made_at="5")
        assert images() == [one]
        salt = self.salt(folder)
        self.push(endpoint, (first,), {first: b"one"}, made_at="6")
        assert (images(), self.salt(folder)) == ([one], salt), "nothing is read anew, so no channel is called"
        self.push(endpoint, (), {}, made_at="7")
        assert images() == []

    def salt(self, folder: Path) -> bytes:
        (page,) = with_addresses(CommerceML(folder).products(), Database(folder), "https://shop.example/ut")
        return page.salt

    def test_one_that_no_good_shows_is_removed(self, endpoint: SiteEndpoint, folder: Path) -> None:
        other = "import_files/3c/a &amp; b.png"
        self.push(endpoint, (PICTURE, other), {PICTURE: b"one", "import_files/3c/a & b.png": b"two"})
        self.push(endpoint, (other,), {}, made_at="2")
        assert [path.name for path in folder.glob("import_files/**/*.*")] == ["a & b.png"]
        assert self.addressed(folder) == [
            address for address in self.addressed(folder) if "/files/import_files/3c/a%20%26%20b.png?v=" in address
        ]
        assert len(self.addressed(folder)) == 1

    def test_other_files_are_not_kept(self, endpoint: SiteEndpoint, folder: Path) -> None:
        self.push(endpoint, (), {"import_files/a.html": b"<script>", "import_files/b.xml": b"<x/>", "notes.txt": b""})
        assert not list(folder.glob("import_files/**/*"))
