"""What tests of an order's life have in common."""

import msgspec

from obmen.records import Batch, Item


def item(number, wanted, **more):
    return Item(id=number, payload={"posting_number": number, "status": wanted, **more})


def box(*rows, tracking=None):
    """A package: rows of (article, quantity) or (article, quantity, marking codes)."""
    products = [
        {"offer_id": offer_id, "quantity": quantity, **({"marks": list(marks[0])} if marks else {})}
        for offer_id, quantity, *marks in rows
    ]
    return {"products": products, **({"tracking_number": tracking} if tracking else {})}


def put(ozon, number, wanted, **more):
    (outcome,) = ozon.write("order_status", Batch([item(number, wanted, **more)]))
    return outcome


def ask(ozon, ticket, number, wanted, **more):
    """Poll once; None where nothing is known yet."""
    outcomes = list(ozon.poll("order_status", ticket, Batch([item(number, wanted, **more)])))
    return outcomes[0] if outcomes else None


def see_through(ozon, number, wanted, **more):
    """Write as the engine does: again when it is to be said later, and asking for what was accepted."""
    for _ in range(12):
        outcome = put(ozon, number, wanted, **more)
        polls = 0
        while outcome.kind == "accepted":
            polls += 1
            assert polls < 5
            outcome = ask(ozon, outcome.ticket, number, wanted, **more) or outcome
        if outcome.kind != "later":
            return outcome
    return outcome


def bodies(sandbox, path):
    return [msgspec.json.decode(one.request_body) for one in sandbox.journal if one.path == path]


def goods(native):
    return {(row["offer_id"], row["quantity"]) for row in native["products"]}
