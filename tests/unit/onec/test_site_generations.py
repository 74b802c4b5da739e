"""Push after push: whole ones replace, changes lie on top, a reader sees each wholly, and nothing piles up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.onec.commerceml import CommerceML
from connectors.onec.commerceml.live import Index, read_index
from connectors.onec.sandbox.pusher.push import files_of
from connectors.onec.sandbox.pusher.wire import Dialogue
from connectors.onec.site.endpoint import SiteEndpoint
from obmen.errors import IncompleteSource
from tests.unit.onec.commerceml_kit import REAL, by_id, catalogue, document, good, natives, offer, package, price
from tests.unit.onec.site_kit import LOGIN, PASSWORD, DirectWire, pusher, pushing, records, site, standing

REST = "<Количество>{}</Количество>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exchange"


@pytest.fixture
def endpoint(folder: Path) -> Iterator[SiteEndpoint]:
    made = site(folder, public_url="https://shop.example/ut")
    yield made
    made.close()


def whole(*ids: str, amount: str = "10", rest: str = "5", catalogue_id: str = "c") -> dict[str, bytes]:
    goods = catalogue(*(good(id_, f"A-{id_}") for id_ in ids)).replace("<Ид>c</Ид>", f"<Ид>{catalogue_id}</Ид>")
    offers = package(*(offer(id_, price(amount) + REST.format(rest)) for id_ in ids))
    return {
        f"import{catalogue_id}_1.xml": document(goods).encode(),
        f"offers{catalogue_id}_1.xml": document(offers.replace("<Ид>c#</Ид>", f"<Ид>{catalogue_id}#</Ид>")).encode(),
    }


def changes(*offers: str, goods: tuple[str, ...] = (), made_at: str = "2020-01-01T00:00:00") -> dict[str, bytes]:
    """Changes that 1C's clock dates long before the export that they change."""
    found = {"offers0_1.xml": document(package(*offers, changes="true"), made_at=made_at).encode()}
    if goods:
        found["import0_1.xml"] = document(catalogue(*goods, changes="true"), made_at=made_at).encode()
    return found


def index_of(folder: Path) -> Index:
    index = read_index(folder)
    assert index is not None
    return index


def prices(folder: Path) -> dict[str, str]:
    return {native["Ид"]: native["ЦенаЗаЕдиницу"] for native in natives(CommerceML(folder).prices())}


def rests(folder: Path) -> dict[str, str]:
    return {native["Ид"]: native["Количество"] for native in natives(CommerceML(folder).stocks())}


def partial(folder: Path) -> dict[str, bool]:
    source = CommerceML(folder)
    return {
        read.__name__: any(page.partial for page in read()) for read in (source.products, source.prices, source.stocks)
    }


class TestRealFiles:
    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("name", REAL)
    def test_every_real_export_arrives_as_it_is_read_from_its_folder(
        self, folder: Path, specs: Path, name: str, zipped: bool
    ) -> None:
        endpoint = site(folder, zip=zipped, file_limit=100_000)
        with pushing(endpoint) as sender:
            sender.exchange(specs / "data" / "commerceml" / name)
        assert records(folder) == records(specs / "data" / "commerceml" / name)
        before = index_of(folder)
        pusher(endpoint).push(files_of(specs / "data" / "commerceml" / name))
        assert index_of(folder) == before, "a repeated upload changes nothing"
        endpoint.close()

    def test_they_also_arrive_one_after_the_other(self, folder: Path, specs: Path) -> None:
        endpoint = site(folder)
        for name in ("ut-2.07", "ut-2.07-nested-groups"):
            pusher(endpoint).push(files_of(specs / "data" / "commerceml" / name))
        alone = [records(specs / "data" / "commerceml" / name) for name in ("ut-2.07", "ut-2.07-nested-groups")]
        ids = [{msgspec.json.decode(record)["Ид"] for record in one["products"]} for one in alone]
        assert {msgspec.json.decode(record)["Ид"] for record in records(folder)["products"]} == ids[0] | ids[1]
        assert len(records(folder)["products"]) == len(ids[0] | ids[1]), "a good of both catalogues is given once"
        assert records(folder)["prices"] == alone[0]["prices"]
        endpoint.close()


class TestOneUponTheOther:
    def test_changes_lie_on_top_whatever_they_are_dated(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        sender.push(whole("a", "b", "d"))
        sender.push(changes(offer("b", price("20") + REST.format(0))))
        assert prices(folder) == {"a": "10", "b": "20", "d": "10"}
        sender.push(changes(offer("b", price("30") + REST.format(7)), offer("a", REST.format(1))))
        assert prices(folder) == {"a": "10", "b": "30", "d": "10"}
        assert rests(folder) == {"a": "1", "b": "7", "d": "5"}
        assert partial(folder) == {"products": False, "prices": False, "stocks": False}, "the whole lies below"

    def test_a_whole_one_replaces_what_was_before(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        sender.push(whole("a", "b"))
        sender.push(changes(offer("b", price("20"))))
        sender.push(whole("b", "e", amount="40"))
        assert prices(folder) == {"b": "40", "e": "40"}
        assert len(index_of(folder).files) == 2
        assert len(index_of(folder).old) == 3, "a reader may be half through them"
        sender.push(whole("b", "e", amount="50"))
        assert len(list(folder.glob("push-*/*.xml"))) == 4

    def test_nothing_piles_up_but_changes(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        for number in range(6):
            sender.push(whole("a", amount=str(number + 1)))
        assert len(list(folder.glob("push-*/*.xml"))) == 4
        assert len(list(folder.glob("push-*"))) == 2
        assert not [path for path in folder.rglob("incoming/*/*") if path.suffix == ".xml"]

    def test_changes_alone_take_nothing_for_gone(self, endpoint: SiteEndpoint, folder: Path) -> None:
        pusher(endpoint).push(changes(offer("a", price("20") + REST.format(1)), goods=(good("a"),)))
        assert partial(folder) == {"products": True, "prices": True, "stocks": True}

    def test_another_catalogue_stays(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        sender.push(whole("a", catalogue_id="c1") | whole("b", catalogue_id="c2"))
        sender.push(whole("e", catalogue_id="c1"))
        assert sorted(by_id(natives(CommerceML(folder).products()))) == ["b", "e"]
        assert partial(folder) == {"products": False, "prices": False, "stocks": False}

    def test_whole_rests_alone_leave_prices_and_offers(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        sender.push(whole("a", "b"))
        sender.push({"offers0_1.xml": document(package(offer("a", REST.format(9), name=""))).encode()})
        assert rests(folder) == {"a": "9"}, "b has no rest any more"
        assert prices(folder) == {"a": "10", "b": "10"}
        assert sorted(by_id(natives(CommerceML(folder).products()))) == ["a", "b"]

    def test_a_package_of_changes_of_its_own_name(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        sender.push(whole("a", "b"))
        (text,) = changes(offer("a", price("77"), name="")).values()
        renamed = text.decode().replace("ПакетПредложений", "ИзмененияПакетаПредложений")
        sender.push({"offers0_1.xml": renamed.replace(' СодержитТолькоИзменения="true"', "").encode()})
        assert prices(folder) == {"a": "77", "b": "10"}

    def test_a_deleted_good_is_told_by_its_mark(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        sender.push(whole("a", "b"))
        gone = good("a", "A-a").replace("<Товар>", '<Товар Статус="Удален">')
        sender.push(changes(goods=(gone,)))
        assert {id_: native["Удален"] for id_, native in by_id(natives(CommerceML(folder).products())).items()} == {
            "a": True,
            "b": False,
        }

    def test_characteristics_price_types_and_warehouses_of_both_spellings(
        self, endpoint: SiteEndpoint, folder: Path, tmp_path: Path
    ) -> None:
        head = (
            "<ТипыЦен><ТипЦены><Ид>t1</Ид><Наименование>Розничная</Наименование></ТипЦены>"
            "<ТипЦены><Ид>t2</Ид><Наименование>Оптовая</Наименование></ТипЦены></ТипыЦен><Склады>"
            "<Склад><Ид>w1</Ид><Наименование>Основной</Наименование></Склад>"
            "<Склад><Ид>w2</Ид><Наименование>Дальний</Наименование></Склад></Склады>"
        )
        both = price("10", "t1").replace("</Цены>", "") + price("8", "t2").replace("<Цены>", "")
        first = '<Склад ИдСклада="w1" КоличествоНаСкладе="3"/><Склад ИдСклада="w2" КоличествоНаСкладе="0"/>'
        second = (
            "<Остатки><Остаток><Склад><Ид>w1</Ид><Количество>4</Количество></Склад></Остаток>"
            "<Остаток><Склад><Ид>w2</Ид><Количество>6</Количество></Склад></Остаток></Остатки>"
        )
        files = {
            "import0_1.xml": document(catalogue(good("g"))).encode(),
            "offers0_1.xml": document(
                package(offer("g#h1", both + first), offer("g#h2", both + second), head=head)
            ).encode(),
        }
        for name, contents in files.items():
            (tmp_path / "plain").mkdir(exist_ok=True)
            (tmp_path / "plain" / name).write_bytes(contents)
        pusher(endpoint).push(files)
        assert records(folder) == records(tmp_path / "plain")
        found = {
            (native["Ид"], native["Склад"]): native["Количество"] for native in natives(CommerceML(folder).stocks())
        }
        assert found == {
            ("g#h1", "Основной"): "3",
            ("g#h1", "Дальний"): "0",
            ("g#h2", "Основной"): "4",
            ("g#h2", "Дальний"): "6",
        }
        assert len(records(folder)["prices"]) == 4


class TestPieceByPiece:
    """As the module of 1C-Битрикс sends: each file sent and imported alone, `deactivate` at the end."""

    PIECES = ("import___1.xml", "offers___1.xml", "prices___1.xml", "rests___1.xml")

    def pieces(self, *ids: str, amount: str = "10") -> dict[str, bytes]:
        parts = (
            catalogue(*(good(id_) for id_ in ids)),
            package(*(offer(id_) for id_ in ids)),
            package(*(offer(id_, price(amount), name="") for id_ in ids)),
            package(*(offer(id_, REST.format(2), name="") for id_ in ids)),
        )
        return {name: document(part).encode() for name, part in zip(self.PIECES, parts, strict=True)}

    def begun(self, endpoint: SiteEndpoint) -> Dialogue:
        dialogue = Dialogue(DirectWire(endpoint), "catalog")
        dialogue.checkauth(LOGIN, PASSWORD)
        dialogue.init()
        return dialogue

    def send(self, endpoint: SiteEndpoint, files: dict[str, bytes], *, ended: bool) -> None:
        dialogue = self.begun(endpoint)
        for name, contents in files.items():
            dialogue.send(name, contents, 1 << 20)
            dialogue.imported(name)
        if ended:
            dialogue.said("deactivate")
            dialogue.said("complete")

    def test_what_it_left_out_is_gone_once_it_says_so(self, endpoint: SiteEndpoint, folder: Path) -> None:
        self.send(endpoint, self.pieces("a", "b"), ended=True)
        assert partial(folder) == {"products": False, "prices": False, "stocks": False}
        self.send(endpoint, self.pieces("b", "e", amount="20"), ended=False)
        assert prices(folder) == {"a": "10", "b": "20", "e": "20"}, "until then it lies on top"
        self.send(endpoint, self.pieces("b", "e", amount="20"), ended=True)
        assert prices(folder) == {"b": "20", "e": "20"}
        assert sorted(rests(folder)) == ["b", "e"]
        assert len(index_of(folder).files) == 4

    def test_a_broken_off_one_takes_nothing_away(self, endpoint: SiteEndpoint, folder: Path) -> None:
        self.send(endpoint, self.pieces("a", "b"), ended=True)
        first = dict(list(self.pieces("b").items())[:1])
        self.send(endpoint, first, ended=False)
        assert sorted(by_id(natives(CommerceML(folder).products()))) == ["a", "b"]

    def test_an_exchange_over_several_sessions_is_told_by_its_time(self, endpoint: SiteEndpoint, folder: Path) -> None:
        self.send(endpoint, self.pieces("a", "b"), ended=True)
        clock = endpoint._clock
        clock.advance(100)  # type: ignore[attr-defined]
        began = int(clock.now().timestamp())
        clock.advance(10)  # type: ignore[attr-defined]
        parts = list(self.pieces("e").items())
        self.send(endpoint, dict(parts[:2]), ended=False)
        clock.advance(10)  # type: ignore[attr-defined]
        dialogue = self.begun(endpoint)
        for name, contents in parts[2:]:
            dialogue.send(name, contents, 1 << 20)
            dialogue.imported(name)
        assert dialogue.lines({"mode": "deactivate", "timestamp": str(began)}) == ["success"]
        assert prices(folder) == {"e": "10"}
        assert sorted(by_id(natives(CommerceML(folder).products()))) == ["e"]

    def test_deactivate_after_nothing_takes_nothing_away(self, endpoint: SiteEndpoint, folder: Path) -> None:
        self.send(endpoint, self.pieces("a"), ended=True)
        before = standing(folder)
        dialogue = self.begun(endpoint)
        dialogue.said("deactivate")
        assert dialogue.lines({"mode": "deactivate", "timestamp": "99999999999"}) == ["success"]
        assert standing(folder) == before

    def test_portions_that_1c_imports_one_by_one_do_not_push_each_other_out(
        self, endpoint: SiteEndpoint, folder: Path
    ) -> None:
        dialogue = self.begun(endpoint)
        for number, id_ in enumerate(("a", "b", "d"), 1):
            dialogue.send(f"import0_{number}.xml", document(catalogue(good(id_))).encode(), 1 << 20)
            dialogue.imported(f"import0_{number}.xml")
        assert sorted(by_id(natives(CommerceML(folder).products()))) == ["a", "b", "d"]


class TestReaders:
    def test_one_that_is_half_through_reads_the_push_that_it_began(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        sender.push(whole(*(f"{n}" for n in range(2500))))
        pages = CommerceML(folder).prices()
        first = next(pages)
        sender.push(whole("z", amount="99"))
        rest = [first, *pages]
        assert len(natives(rest)) == 2500
        assert prices(folder) == {"z": "99"}

    def test_one_that_is_far_behind_is_told_to_read_again(self, endpoint: SiteEndpoint, folder: Path) -> None:
        sender = pusher(endpoint)
        sender.push(whole("a"))
        pages = CommerceML(folder).products()
        for number in range(2):
            sender.push(whole("z", amount=str(number + 1)))
        with pytest.raises(IncompleteSource, match="taken away"):
            list(pages)

    def test_a_lost_file_is_told(self, endpoint: SiteEndpoint, folder: Path) -> None:
        pusher(endpoint).push(whole("a"))
        next(folder.glob("push-*/offers*")).unlink()
        with pytest.raises(IncompleteSource, match="is not there any more"):
            CommerceML(folder).price_types()


def test_the_list_is_readable_by_people(endpoint: SiteEndpoint, folder: Path) -> None:
    pusher(endpoint).push(whole("a"))
    told: dict[str, Any] = msgspec.json.decode((folder / ".site" / "live.json").read_bytes())
    assert [file["name"] for file in told["files"]] == ["push-00000001/importc_1.xml", "push-00000001/offersc_1.xml"]
