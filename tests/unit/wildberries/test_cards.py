"""Cards: an upload is done when the card or its error shows, and an overwrite sends back what is not ours."""

import pytest

from connectors.wildberries import paths, shelf
from connectors.wildberries.sandbox import Pace
from obmen.errors import IncompleteSource, Refused
from obmen.records import Item
from obmen.testing.sandbox import Fault, Response
from tests.unit.wildberries.conftest import CARD, added, batch, card, kinds, natives, settled


def done(wb, clock, *payloads, **how):
    outcomes = settled(wb, clock, "product", batch(CARD, *payloads, **how))
    assert set(kinds(outcomes).values()) == {"done"}
    return {id_: outcome.native_id for id_, outcome in outcomes.items()}


def test_a_card_is_accepted_and_done_when_the_list_shows_it(make_sandbox, connect, clock):
    sandbox = make_sandbox(pace=Pace(creation=60))
    wb = connect(sandbox)
    items = batch(CARD, card("A-1"), card("A-2"))
    (first, second) = wb.write("product", items)
    assert first.kind == second.kind == "accepted"
    assert list(wb.poll("product", first.ticket, items)) == []
    clock.advance(61)
    outcomes = {outcome.id: outcome for outcome in wb.poll("product", first.ticket, items)}
    made = sandbox.card("A-1")
    assert outcomes["A-1|0"].native_id == f"{made.nm_id}:{made.sizes[0].chrt_id}"
    assert sandbox.calls["POST /content/v2/cards/upload"] == 1


def test_a_card_that_fails_later_is_refused_in_the_vendors_words_and_99_arrive(wb, sandbox, clock):
    sandbox.faults.append(Fault(kind="custom", name="card_error", match="upload"))
    outcomes = settled(wb, clock, "product", batch(CARD, *(card(f"A-{n}") for n in range(100))))
    refused = [outcome for outcome in outcomes.values() if outcome.kind == "refused"]
    assert [(one.id, one.errors[0].message) for one in refused] == [("A-0|0", "Карточка не прошла проверку")]
    assert len(sandbox.cards) == 99
    assert sandbox.calls["POST /content/v2/cards/upload"] == 1


def test_a_card_that_fails_at_once_is_named_and_the_others_are_said_again(wb, sandbox, clock, monkeypatch):
    monkeypatch.setattr(wb, "characteristics", lambda payload, card=None: payload["said"])
    volume = [{"id": 14177451, "value": 350}]
    rows = [card(f"A-{n}", said=[] if n == 42 else volume) for n in range(100)]
    outcomes = settled(wb, clock, "product", batch(CARD, *rows))
    assert [id_ for id_, kind in kinds(outcomes).items() if kind == "refused"] == ["A-42|0"]
    assert "missing required characteristics" in outcomes["A-42|0"].errors[0].message
    assert len(sandbox.cards) == 99
    assert sandbox.calls["POST /content/v2/cards/upload"] == 2


def test_a_missing_attribute_is_told_before_anything_is_sent(wb, sandbox):
    (outcome,) = wb.write("product", batch(CARD, card("A-1", attributes=[])))
    assert outcome.kind == "refused"
    assert "Объем" in outcome.errors[0].message
    assert sandbox.calls["POST /content/v2/cards/upload"] == 0


def test_a_refusal_that_names_nobody_is_left_to_the_engine_to_split(wb, monkeypatch):
    monkeypatch.setattr(wb, "characteristics", lambda payload, card=None: [])
    with pytest.raises(Refused, match="This category does not exist"):
        list(wb.write("product", batch(CARD, card("A-1"), card("A-2", category="999"))))


def test_a_subject_that_wildberries_does_not_have_is_refused_by_itself(wb, sandbox, clock):
    outcomes = settled(wb, clock, "product", batch(CARD, card("A-1"), card("A-2", category="999")))
    assert kinds(outcomes) == {"A-1|0": "done", "A-2|0": "refused"}


def test_values_go_in_the_form_that_the_characteristic_takes(wb, sandbox, clock):
    colours = {"attribute": "Цвет", "values": ["Белый", "синий"], "unit": ""}
    volume = {"attribute": "14177451", "values": ["0.35"], "unit": "л"}
    done(wb, clock, card("A-1", attributes=[colours, volume]))
    assert sandbox.card("A-1").characteristics == [
        {"id": 14177449, "value": ["белый", "синий"]},
        {"id": 14177451, "value": 350},
        {"id": 15001405, "value": ["20"]},
    ]


def test_whole_centimetres_are_rounded_up_and_grams_are_kept(wb, sandbox, clock):
    done(wb, clock, card("A-1"))
    assert sandbox.card("A-1").dimensions == {"length": 11, "width": 9, "height": 10, "weightBrutto": 0.35}


def test_an_overwrite_sends_back_what_is_not_ours(wb, sandbox, clock):
    ids = {"A-1|0": added(sandbox, "A-1", title="Старое", description="Рукой", kiz_marked=True)}
    sandbox.edit("A-1", characteristics=[{"id": 14177449, "value": ["красный"]}, {"id": 14177451, "value": 200}])
    told = {"vendorCode": "A-1", "techSize": "0", "title": "Новое", "skus": ["4600000000015"], "vat": "10"}
    done(wb, clock, told, ids=ids)
    made = sandbox.card("A-1")
    assert (made.title, made.description, made.kiz_marked) == ("Новое", "Рукой", True)
    assert made.characteristics == [
        {"id": 14177449, "value": ["красный"]},
        {"id": 14177451, "value": 200},
        {"id": 15001405, "value": ["10"]},
    ]
    assert made.sizes[0].skus[1:] == ["4600000000015"]


def test_what_says_nothing_new_makes_no_write(wb, sandbox, clock):
    ids = done(wb, clock, card("A-1"))
    before = dict(sandbox.written)
    assert done(wb, clock, card("A-1"), ids=ids) == ids
    assert dict(sandbox.written) == before


def test_a_card_that_is_there_already_is_taken_over(wb, sandbox, clock):
    there = added(sandbox, "A-1", title="Старое", characteristics=[{"id": 14177451, "value": 1}])
    ids = done(wb, clock, card("A-1"), card("A-2"))
    assert ids["A-1|0"] == there
    assert sandbox.card("A-1").title == "Кружка A-1"
    assert len(sandbox.cards) == 2


def test_a_repeat_looks_before_it_uploads(wb, sandbox, clock):
    ids = done(wb, clock, card("A-1"))
    assert done(wb, clock, card("A-1"), attempt=2) == ids
    assert sandbox.calls["POST /content/v2/cards/upload"] == 1


def test_find_sees_what_an_upload_did_that_was_never_answered(wb, sandbox, clock):
    sandbox.faults.append(Fault(kind="drop_after", match="upload"))
    with pytest.raises(Exception, match="effect is unknown"):
        list(wb.write("product", batch(CARD, card("A-1"))))
    made = sandbox.card("A-1")
    assert wb.find("product", Item(id="A-1|0", payload={})) == f"{made.nm_id}:{made.sizes[0].chrt_id}"
    assert wb.find("product", Item(id="A-2|0", payload={})) is None


def test_cards_of_a_lost_upload_that_are_still_being_made_are_waited_for(make_sandbox, connect, clock):
    sandbox = make_sandbox(pace=Pace(creation=600))
    wb = connect(sandbox)
    sandbox.faults.append(Fault(kind="drop_after", match="upload"))
    rows = [card(f"A-{n}") for n in range(20)]
    with pytest.raises(Exception, match="effect is unknown"):
        list(wb.write("product", batch(CARD, *rows)))
    again = batch(CARD, *rows, attempt=2)
    assert set(kinds(wb.write("product", again)).values()) == {"later"}
    assert sandbox.calls["POST /content/v2/cards/upload"] == 2
    clock.advance(601)
    assert set(kinds(settled(wb, clock, "product", again)).values()) == {"done"}
    assert len(sandbox.cards) == 20


def test_sizes_of_one_vendor_code_are_one_card_and_a_later_size_joins_it(wb, sandbox, clock):
    first = done(wb, clock, card("M-1", techSize="42", skus=["1"]), card("M-1", techSize="44", skus=["2"]))
    later = done(wb, clock, card("M-1", techSize="46", skus=["3"]))
    made = sandbox.card("M-1")
    assert [(size.tech_size, size.skus) for size in made.sizes] == [("42", ["1"]), ("44", ["2"]), ("46", ["3"])]
    assert {*first.values(), *later.values()} == {f"{made.nm_id}:{size.chrt_id}" for size in made.sizes}
    assert [one["article"] for one in natives(wb, "product")] == ["M-1/42", "M-1/44", "M-1/46"]
    assert [one["chrtID"] for one in wb.look_up("product", ["M-1|44"])] == [made.sizes[1].chrt_id]


@pytest.mark.parametrize(("field", "length"), [("title", 61), ("vendorCode", 73)])
def test_what_is_too_long_is_told_with_its_limit(wb, field, length):
    (outcome,) = wb.write("product", batch(CARD, {**card("A-1"), field: "Я" * length}))
    assert (outcome.kind, outcome.errors[0].field) == ("refused", field)


def test_a_card_of_another_subject_is_not_moved(wb, sandbox):
    ids = {"A-1|0": added(sandbox, "A-1", subject_id=106)}
    (outcome,) = wb.write("product", batch(CARD, card("A-1"), ids=ids))
    assert outcome.errors[0].code == "other_subject"


# -- pictures -----------------------------------------------------------------------------------------------


@pytest.mark.field("B6")
def test_pictures_are_the_same_set_there_and_an_unchanged_set_makes_no_call(wb, sandbox, clock):
    first, second, third = (f"https://img.example/{n}.jpg" for n in range(3))
    ids = done(wb, clock, card("A-1", photos=[first, second]))
    for title, wanted in [("1", [first, third]), ("2", [first]), ("3", [third, first]), ("4", [third, first])]:
        done(wb, clock, card("A-1", title=title, photos=wanted), ids=ids)
        assert sandbox.card("A-1").photos == wanted
    assert sandbox.written["pictures"] == 4
    assert done(wb, clock, card("A-1", title="4", photos=[third, first]), ids=ids) == ids
    assert sandbox.written["pictures"] == 4


def test_pictures_alone_are_sent_without_overwriting_the_card(wb, sandbox, clock):
    ids = done(wb, clock, card("A-1"))
    before = sandbox.written["cards"]
    done(wb, clock, card("A-1", photos=["https://img.example/1.jpg"]), ids=ids)
    assert (sandbox.written["cards"], sandbox.card("A-1").photos) == (before, ["https://img.example/1.jpg"])


def test_pictures_that_were_taken_with_200_and_not_loaded_are_seen(wb, sandbox, clock):
    sandbox.faults.append(Fault(kind="custom", name="bad_picture", times=None))
    items = batch(CARD, card("A-1", photos=["https://img.example/1.jpg"]))
    outcomes = settled(wb, clock, "product", items)
    assert kinds(outcomes) == {"A-1|0": "accepted"}
    clock.advance(600)
    (outcome,) = wb.poll("product", outcomes["A-1|0"].ticket, items)
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "pictures_not_loaded")


def test_an_address_that_is_none_is_refused_in_the_vendors_words(wb, sandbox, clock):
    outcomes = settled(wb, clock, "product", batch(CARD, card("A-1", photos=["file:///1.jpg"])))
    assert outcomes["A-1|0"].errors[0].message == "Some links could not be saved"


# -- reading ------------------------------------------------------------------------------------------------


def test_reading_goes_on_from_the_last_change(wb, sandbox, clock):
    for n in range(250):
        sandbox.add_card(f"A-{n}", title=f"Кружка {n}")
    pages = list(wb.read("product", None))
    assert [len(page.slices) for page in pages] == [100, 100, 50]
    clock.advance(5)
    sandbox.edit("A-7", title="Иная")
    assert [one["title"] for one in natives(wb, "product", pages[-1].cursor)] == ["Иная"]


def test_the_trash_is_read_too(wb, sandbox):
    native_id = added(sandbox, "A-1")
    list(wb.write("product", batch(CARD, card("A-1"), ids={"A-1|0": native_id}), "archive"))
    assert [(one["id"], one["trashed"]) for one in natives(wb, "product")] == [(native_id, True)]


def test_a_list_that_does_not_go_on_is_not_whole(wb, sandbox, monkeypatch):
    monkeypatch.setattr(shelf, "PAGE", 1)
    sandbox.add_card("A-1")
    monkeypatch.setattr(
        sandbox,
        "list_cards",
        lambda _: Response(json={"cards": [], "cursor": {"updatedAt": "x", "nmID": 1, "total": 1}}),
    )
    with pytest.raises(IncompleteSource, match="no cursor"):
        list(wb.read("product", None))


# -- the trash ----------------------------------------------------------------------------------------------


def test_cards_go_into_the_trash_and_come_back(wb, sandbox):
    ids = {f"A-{n}|0": added(sandbox, f"A-{n}") for n in range(3)}
    items = batch(CARD, *(card(f"A-{n}") for n in range(3)), ids=ids)
    assert set(kinds(wb.write("product", items, "archive")).values()) == {"done"}
    assert all(one.trashed_at is not None for one in sandbox.cards.values())
    assert set(kinds(wb.write("product", items, "archive")).values()) == {"done"}
    assert set(kinds(wb.write("product", items, "restore")).values()) == {"done"}
    assert all(one.trashed_at is None for one in sandbox.cards.values())
    assert sandbox.written["moves"] == 6


def test_a_card_that_was_not_moved_is_tried_again(wb, sandbox):
    ids = {"A-1|0": added(sandbox, "A-1")}
    sandbox.faults.append(Fault(kind="custom", name="not_moved", match="delete"))
    (outcome,) = wb.write("product", batch(CARD, card("A-1"), ids=ids), "archive")
    assert outcome.kind == "later"


def test_one_size_does_not_take_the_others_into_the_trash(wb, sandbox):
    made = sandbox.add_card("M-1", sizes={"42": ["1"], "44": ["2"]})
    ids = {f"M-1|{size.tech_size}": f"{made.nm_id}:{size.chrt_id}" for size in made.sizes}
    rows = [card("M-1", techSize="42"), card("M-1", techSize="44")]
    (outcome,) = wb.write("product", batch(CARD, rows[0], ids=ids), "archive")
    assert outcome.errors[0].code == "other_sizes"
    assert set(kinds(wb.write("product", batch(CARD, *rows, ids=ids), "archive")).values()) == {"done"}


def test_a_card_in_the_trash_is_not_overwritten_with_half_of_itself(wb, sandbox):
    ids = {"A-1|0": added(sandbox, "A-1")}
    list(wb.write("product", batch(CARD, card("A-1"), ids=ids), "archive"))
    (outcome,) = wb.write("product", batch(CARD, card("A-1"), ids=ids))
    assert outcome.errors[0].code == "in_trash"


def test_a_card_that_is_gone_is_said_to_be(wb):
    (outcome,) = wb.write("product", batch(CARD, card("A-1"), ids={"A-1|0": "7:8"}))
    assert outcome.errors[0].code == "card_gone"


def test_many_cards_are_read_by_the_hundred_not_one_by_one(wb, sandbox, clock):
    ids = {f"A-{n}|0": added(sandbox, f"A-{n}", characteristics=[{"id": 14177451, "value": 1}]) for n in range(100)}
    done(wb, clock, *(card(f"A-{n}") for n in range(100)), ids=ids)
    assert sandbox.calls[f"POST {paths.CARDS}"] <= 5
    assert sandbox.calls[f"POST {paths.CARDS_UPDATE}"] == 1
