"""Labels: a PDF for twenty postings, all or none, and only a while after the assembly (E8)."""

import base64

import pytest

from connectors.ozon import paths
from connectors.ozon.sandbox import Limits
from obmen.errors import IncompleteSource, Later, Refused
from obmen.testing.sandbox import Fault, Response
from tests.unit.ozon.conftest import sell
from tests.unit.ozon.orders_kit import bodies, box, put


@pytest.fixture
def ready(ozon, sandbox):
    sell(ozon, "A-1", amount=1000)

    def made(packages=()):
        number = sandbox.place_order({"A-1": 2})
        more = {"packages": packages} if packages else {}
        assert put(ozon, number, "awaiting_deliver", **more).kind == "done"
        return number

    return made


@pytest.mark.field("E8")
def test_e8_labels_are_one_file(ozon, ready):
    numbers = [ready(), ready()]
    (made,) = ozon.papers("label", numbers)
    assert made.content.startswith(b"%PDF-")
    assert all(number.encode() in made.content for number in numbers)
    assert (made.media_type, made.orders, made.name) == ("application/pdf", tuple(numbers), f"ozon-{numbers[0]}.pdf")
    assert ozon.documents["label"].batch == 20


@pytest.mark.field("E8")
def test_e8_what_is_not_ready_is_asked_for_later(ozon, sandbox, clock, ready):
    sandbox.limits = Limits(label_seconds=45.0)
    number = ready()
    with pytest.raises(Later) as caught:
        list(ozon.papers("label", [number]))
    assert caught.value.after == 45.0
    clock.pass_by(seconds=45)
    assert len(list(ozon.papers("label", [number]))) == 1


@pytest.mark.field("E8")
def test_e8_one_that_cannot_have_a_label_refuses_them_all(ozon, sandbox, ready):
    good, unpacked = ready(), sandbox.place_order({"A-1": 1})
    for wrong in ([good, unpacked], [unpacked], [good, "нет-1"]):
        with pytest.raises(Refused):
            list(ozon.papers("label", wrong))
    assert sandbox.written["labels"] == 0
    sandbox.cancel_by_buyer(good)
    with pytest.raises(Refused, match="Nothing is left"):
        list(ozon.papers("label", [good]))


def test_each_box_of_an_order_has_a_label(ozon, sandbox, ready):
    number = ready([box(("A-1", 1)), box(("A-1", 1))])
    (made,) = ozon.papers("label", [number])
    (asked,) = bodies(sandbox, paths.LABELS)
    assert sorted(asked["posting_number"]) == sorted(sandbox.postings)
    assert made.orders == (number,)


def test_many_boxes_make_several_files(ozon, sandbox, ready):
    numbers = [ready([box(("A-1", 1)), box(("A-1", 1))]) for _ in range(11)]
    made = list(ozon.papers("label", numbers))
    assert [len(asked["posting_number"]) for asked in bodies(sandbox, paths.LABELS)] == [20, 2]
    assert len({one.name for one in made}) == 2


def test_labels_wrapped_in_json_are_taken_out(ozon, sandbox, ready):
    number = ready()
    wrapped = {"content_type": "application/pdf", "file_name": "x.pdf"}
    for content in (base64.b64encode(b"%PDF-1.7 x").decode(), "%PDF-1.7 x"):
        sandbox.package_label = lambda _, content=content: Response(json={**wrapped, "file_content": content})
        (made,) = ozon.papers("label", [number])
        assert made.content == b"%PDF-1.7 x"
    sandbox.package_label = lambda _: Response(json={**wrapped, "file_content": "nonsense"})
    with pytest.raises(IncompleteSource, match="no PDF"):
        list(ozon.papers("label", [number]))


def test_labels_that_are_late_whatever_the_time(ozon, sandbox, ready):
    number = ready()
    sandbox.faults.append(Fault(kind="custom", name="labels_late", match="package-label"))
    with pytest.raises(Later, match="aren't ready"):
        list(ozon.papers("label", [number]))
