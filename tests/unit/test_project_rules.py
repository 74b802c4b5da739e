"""Stock rules in a project: what the words mean, what is wrong and where, and which files they are read from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from obmen.errors import ConfigurationError
from obmen.project import Project
from obmen.rules.allocation import Allocation, Channel, Pool
from runner.daemon.watch import Watch

from .project_kit import flows


def _loaded(folder: Path, block: str) -> Project:
    """Load a flow of stock with this block; it begins in line 10."""
    inside = "".join(f"\n    {line}" for line in block.strip("\n").splitlines())
    return flows(folder, f"stock:\n  entity: stock\n  from: ut\n  to: [shop, second]\n  allocate:{inside}")


def _rules(folder: Path, block: str) -> Allocation:
    found = _loaded(folder, block).flows["stock"].allocate
    assert found is not None
    return found


def _said(folder: Path, block: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        _loaded(folder, block)
    return str(caught.value).replace(f"{folder}/", "")


def test_every_word(tmp_path: Path) -> None:
    found = _rules(
        tmp_path,
        """
oversell: off
safety: { units: 2, share: 5% }
last: 1
priority: [second, shop]
most: 100
warehouses:
  Основной: [Основной, Запасной]
  Дальний: { from: [Первый, Второй], take: first }
  Один: Третий
kits: { KIT-1: { A-1: 2, 77: 1.5 } }
stop: [SKU-13, 404]
channels:
  shop: { share: 50%, most: 20, safety: 3 }
  second: { share: 12.5 %, stop: [A-1] }
""",
    )
    assert found == Allocation(
        version=found.version,
        oversell=False,
        safety=Decimal(2),
        safety_share=Decimal("0.05"),
        most=100,
        last=1,
        priority=("second", "shop"),
        pools={
            "Основной": Pool(("Основной", "Запасной")),
            "Дальний": Pool(("Первый", "Второй"), "first"),
            "Один": Pool(("Третий",)),
        },
        kits={"KIT-1": {"A-1": Decimal(2), "77": Decimal("1.5")}},
        stop=frozenset({"SKU-13", "404"}),
        channels={
            "shop": Channel(share=Decimal("0.5"), most=20, safety=Decimal(3)),
            "second": Channel(share=Decimal("0.125"), stop=frozenset({"A-1"})),
        },
    )


def test_rules_are_nothing_special_unless_told(tmp_path: Path) -> None:
    found = _rules(tmp_path, "{}")
    assert found == Allocation(version=found.version)
    assert len(found.version) == 16
    assert flows(tmp_path, "stock: { entity: stock, from: ut, to: shop }").flows["stock"].allocate is None


@pytest.mark.parametrize(
    ("block", "units", "share"),
    [("safety: 2", "2", "0"), ("safety: 5%", "0", "0.05"), ("safety: { share: 5% }", "0", "0.05")],
)
def test_safety_is_units_or_a_share(tmp_path: Path, block: str, units: str, share: str) -> None:
    found = _rules(tmp_path, block)
    assert (found.safety, found.safety_share) == (Decimal(units), Decimal(share))


@pytest.mark.parametrize("word", ["on", "true"])
def test_oversell_is_on_or_off(tmp_path: Path, word: str) -> None:
    assert _rules(tmp_path, f"oversell: {word}").oversell
    assert not _rules(tmp_path, "oversell: false").oversell


def test_the_version_is_that_of_what_decides(tmp_path: Path) -> None:
    (tmp_path / "stop.txt").write_text("A\nB\n", encoding="utf-8")
    blocks = ["most: 5", "most: 6", "{}", "stop: [A]", "stop: [A, B]", "kits: { K: { A: 1 } }"]
    versions = [_rules(tmp_path, block).version for block in blocks]
    assert len(set(versions)) == len(blocks)
    assert _rules(tmp_path, "most:   5").version == versions[0]
    assert _rules(tmp_path, "stop: stop.txt").version == versions[4]


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("{ safty: 1 }", "11: There is no key 'safty' here. Did you mean 'safety'?"),
        ("channels:\n  shpo: { most: 1 }", "12: This flow does not write to 'shpo'. Did you mean 'shop'?"),
        ("channels:\n  ut: { most: 1 }", "12: This flow does not write to 'ut'. Known: second, shop."),
        ("channels:\n  shop:\n    shre: 1%", "13: There is no key 'shre' here. Did you mean 'share'?"),
        ("channels: { shop: { share: 1 } }", "11: 'share': a share is written as 30%, and is 100% at most."),
        ("priority: secnd", "11: This flow does not write to 'secnd'. Did you mean 'second'?"),
        ("priority:\n  - shop\n  - secnd", "13: This flow does not write to 'secnd'. Did you mean 'second'?"),
        ("priority: [shop, shop]", "11: 'priority': 'shop' stands here twice."),
        ("last: 1", "10: 'allocate': the last units go to the first channel of 'priority'; say which that is."),
        (
            "last: 1\npriority: shop\nchannels:\n  shop:\n    safety: 2",
            "15: 'last' gives 'shop' the last units, and 'safety' keeps them back there. Take one of them away.",
        ),
        (
            "oversell: off\nchannels:\n  shop: { share: 50% }\n  second: { share: 50.5% }",
            "12: The shares add up to 100.5%. With 'oversell: off' that is 100% at most.",
        ),
        (
            "oversell: off\nchannels:\n  shop: { share: 100% }",
            "12: The shares add up to 100%, so nothing is left for second. Give it a share, which may be 0%.",
        ),
        (
            "oversell: off\nchannels:\n  shop: { share: 0% }\n  second: { share: 0% }",
            "12: All shares are 0%, so nothing would be sold.",
        ),
        ("warehouses:\n  A: []", "12: 'from' is empty."),
        ("warehouses:\n  A: { take: first }", "12: The key 'from' is missing: the source's warehouses."),
        ("warehouses:\n  A: { from: B, take: frist }", "12: 'take' is meant to be 'sum' or 'first'."),
        ("warehouses:\n  A: [B, B]", "12: 'from': 'B' stands here twice."),
        (
            "warehouses:\n  A: [B]\n  C: [D, B]",
            "13: The warehouse 'B' is in 'A' already, and would be sold twice.",
        ),
        ("kits:\n  K:\n    K: 1", "13: The kit 'K' is a part of itself."),
        (
            "kits:\n  K: { A: 1 }\n  L:\n    K: 1",
            "14: 'K', a part of 'L', is a kit itself. Write its parts into 'L' instead.",
        ),
        ("kits:\n  K: {}", "12: 'K' is empty."),
        ("kits:\n  K:\n    A: 0", "13: 'A' is meant to be greater than 0."),
        ("kits:\n  K: A", "12: 'K' is meant to be a block of keys."),
        ("kits: kitz.csv", "11: 'kits': there is no file kitz.csv; kits are written here, or in a file."),
        ("stop: A-1", "11: 'stop': there is no file A-1; SKUs are written as a list: [A-1]; or in a file."),
        ("safety: [1]", "11: 'safety': it is written as 2, as 5%, or as { units: 2, share: 5% }."),
        ("safety: 1.5", "11: 'units' is meant to be a whole number."),
        ("safety: -1", "11: 'units' is meant to be greater than or equal to 0."),
        ("safety: 101%", "11: 'share': a share is written as 30%, and is 100% at most."),
        ("most: many", "11: 'most' is meant to be a whole number."),
        ("oversell: maybe", "11: 'oversell': it is on or off."),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, block: str, said: str) -> None:
    assert _said(tmp_path, block) == f"obmen.yaml:{said}"


def test_only_stock_is_allocated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        flows(tmp_path, "prices:\n  entity: price\n  from: ut\n  to: shop\n  allocate: {}")
    assert str(caught.value).endswith("obmen.yaml:10: 'allocate' is for flows of stock, and this flow carries price.")


class TestFiles:
    """Kits and stop-lists of their own files."""

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("kits.csv", "kit;part;quantity\nKIT-1;A-1;2\n\nKIT-1;B-7;1,5\nKIT-2;A-1;1\n"),
            ("kits.csv", "\ufeffPart,Quantity,Kit,Note\nA-1,2,KIT-1,\nB-7,1.5,KIT-1,x\nA-1,1,KIT-2,\n"),
            ("kits.csv", "kit\tpart\tquantity\nKIT-1\tA-1\t2\nKIT-1\tB-7\t1.5\nKIT-2\tA-1\t1\n"),
            ("kits.yaml", "KIT-1: { A-1: 2, B-7: 1.5 }\nKIT-2: { A-1: 1 }\n"),
        ],
    )
    def test_kits(self, tmp_path: Path, name: str, text: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        made = _loaded(tmp_path, f"kits: {name}")
        allocate = made.flows["stock"].allocate
        assert allocate is not None
        assert allocate.kits == {
            "KIT-1": {"A-1": Decimal(2), "B-7": Decimal("1.5")},
            "KIT-2": {"A-1": Decimal(1)},
        }
        assert made.files == (tmp_path / name,)

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("kits.csv", "", "1: The first line names the columns kit, part and quantity; 'kit' is missing."),
            ("kits.csv", "kit;part\nA;B", "1: The first line names the columns kit, part and quantity; 'quantity'"),
            ("kits.csv", "kit;part;quantity\nA;B;x", "2: 'x' is meant to be how many of the part are in one kit"),
            ("kits.csv", "kit;part;quantity\nA;B;-1", "2: '-1' is meant to be how many"),
            ("kits.csv", "kit;part;quantity\nA;B;nan", "2: 'nan' is meant to be how many"),
            ("kits.csv", "kit;part;quantity\nA;B;1\nA;B;1", "3: 'B' is a part of 'A' twice. Add the quantities."),
            ("kits.csv", "kit;part;quantity\nA;B", "2: There are 2 of 3 columns here."),
            ("kits.csv", "kit;part;quantity\n;B;1", "2: A kit and its part are named in each line."),
            ("kits.yaml", "- a", "1: Kits are written as SKU: { SKU of a part: how many }."),
            ("kits.yaml", "K: 1", "1: 'K' is meant to have its parts, each with how many of it."),
            ("kits.yaml", "K:\n  A: 1\n  B: true", "3: 'True' is meant to be how many of the part"),
        ],
    )
    def test_what_is_wrong_in_a_file_is_told_with_its_line(
        self, tmp_path: Path, name: str, text: str, said: str
    ) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert _said(tmp_path, f"kits: {name}").startswith(f"{name}:{said}")

    def test_nested_kits_of_a_file_are_told_where_it_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "kits.csv").write_text("kit;part;quantity\nK;A;1\nL;K;1\n", encoding="utf-8")
        assert _said(tmp_path, "kits: kits.csv").startswith("obmen.yaml:11: 'K', a part of 'L', is a kit itself.")

    def test_a_stop_list(self, tmp_path: Path) -> None:
        (tmp_path / "lists").mkdir()
        (tmp_path / "lists" / "stop.txt").write_text("# sold out for good\nSKU-13\n\n  404 \n", encoding="utf-8")
        found = _rules(tmp_path, "stop: lists/stop.txt\nchannels: { shop: { stop: lists/stop.txt } }")
        assert found.stop == found.channels["shop"].stop == {"SKU-13", "404"}

    def test_the_service_takes_up_a_changed_file(self, tmp_path: Path) -> None:
        one, other = tmp_path / "stop.txt", tmp_path / "other.txt"
        for file in (one, other):
            file.write_text("A\n", encoding="utf-8")
        watch = Watch(tmp_path, _loaded(tmp_path, "stop: stop.txt").files)
        other.write_text("A\nB\n", encoding="utf-8")
        assert not watch.changed()
        one.write_text("A\nB\n", encoding="utf-8")
        assert watch.changed()
        assert not watch.changed()
        watch.follow([other])
        one.write_text("A\nB\nC\n", encoding="utf-8")
        assert not watch.changed()
        other.unlink()
        assert watch.changed()


def test_stock_that_is_divided_is_told_by_one_flow(tmp_path: Path) -> None:
    one = "one: { entity: stock, from: ut, to: shop, allocate: { oversell: off } }"
    block = f"{one}\ntwo: {{ entity: stock, from: ut, to: second }}"
    with pytest.raises(ConfigurationError, match=r"'two' \(line \d+\) tells others of it"):
        flows(tmp_path, block)
    flows(tmp_path, block.replace("oversell: off", "safety: 1"))
