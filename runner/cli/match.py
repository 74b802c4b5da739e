"""``obmen match``: goods are matched with the cards that are there already; what is unclear a person says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from obmen.connector import Connector
from obmen.entities import Product
from obmen.errors import ConfigurationError, meant
from obmen.match import (
    HOWS,
    KEYS,
    Card,
    Choices,
    Good,
    Key,
    Result,
    Stored,
    Told,
    match,
    read_cards,
    read_goods,
    store,
)
from obmen.state import Ledger, bindings
from obmen.state.bindings import Binding
from obmen.sync.flow import Flow
from runner.cli.session import Open, session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Cell, Column, Screen, Table, clipped, number, plural

_SHOWN = 20
_NAME = 40
_WORDS = {
    "chosen": "chosen by a person",
    "bound": "bound before",
    "sku": "by sku",
    "article": "by article",
    "barcode": "by barcode",
}

Which = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection with the cards.")]
What = Annotated[str, typer.Argument(metavar="ENTITY", help="What is matched: product.")]
By = Annotated[
    list[str] | None,
    typer.Option("--by", metavar="KEY", help="Look by this key only: sku, article or barcode; say it once for each."),
]
Apply = Annotated[bool, typer.Option("--apply", metavar="", help="Store what was matched.")]
Bind = Annotated[
    list[str] | None,
    typer.Option("--bind", metavar="SKU=CARD", help="Store that this good is that card, by the card's id or name."),
]
Unbind = Annotated[list[str] | None, typer.Option("--unbind", metavar="SKU", help="Forget what this good is bound to.")]


def match_(
    context: typer.Context,
    connection: Which,
    entity: What,
    by: By = None,
    apply: Apply = False,
    bind: Bind = None,
    unbind: Unbind = None,
    json: Json = False,
) -> int:
    """Find the cards that the project's goods have in a connection already.

    Nothing is stored without --apply, --bind or --unbind. What a person bound, no later match changes.
    """
    if entity != Product.entity:
        raise ConfigurationError(f"Only {Product.entity} is matched, not '{entity}'.")
    keys = _keys(by)
    choices = Choices(_pairs(bind or ()), tuple(dict.fromkeys(unbind or ())))
    current = session(context)
    with current.open() as opened:
        flows = _flows(opened, connection)
        ours, theirs = Told(), Told()
        goods = read_goods(opened.ledger, flows, ours)
        cards = _cards(opened, connection, flows, theirs)
        bound = _bound(opened.ledger, connection)
        chosen = choices.bindings(goods, cards, bound)
        released = [key for key in choices.unbind if key not in chosen]
        known = {key: one for key, one in bound.items() if key not in choices.unbind} | chosen
        result = match([good for good in goods if good.key not in released], cards, known, keys)
        result.goods.extend(good for good in goods if good.key in released)
        stored = None
        if apply or choices:
            found = result.matched if apply else []
            stored = store(opened.ledger, opened.assembly.flows, connection, found, chosen, choices.unbind)
    if json:
        current.screen.json(_as_data(result, stored, ours, theirs))
    else:
        _show(current.screen, connection, result, stored, ours, theirs)
    return ExitCode.ATTENTION if result.ambiguous or ours.unreadable or theirs.unreadable else ExitCode.DONE


def _keys(by: Sequence[str] | None) -> Sequence[Key]:
    for one in by or ():
        if one not in KEYS:
            raise ConfigurationError(f"Cards are not looked for by '{one}'.{meant(one, KEYS)}")
    return [key for key in KEYS if by is None or not by or key in by]


def _pairs(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        key, _, card = one.rpartition("=")
        if not key or not card:
            raise ConfigurationError(f"A choice is written --bind SKU=CARD, not '{one}'.")
        if key in found:
            raise ConfigurationError(f"'{key}' is bound twice in this command.")
        found[key] = card
    return found


def _flows(opened: Open, connection: str) -> list[Flow]:
    known = opened.project.connections
    if connection not in known:
        raise ConfigurationError(f"There is no connection '{connection}'.{meant(connection, known)}")
    flows = [
        flow
        for flow in opened.assembly.flows
        if flow.entity is Product and any(target.name == connection for target in flow.targets)
    ]
    if not flows:
        message = f"No flow brings products to '{connection}', so there are no goods to match."
        raise ConfigurationError(message, where=str(opened.project.file))
    return flows


def _cards(opened: Open, connection: str, flows: Sequence[Flow], told: Told) -> list[Card]:
    connector: Connector = opened.assembly.connectors[connection]
    if Product.entity not in connector.readers:
        raise ConfigurationError(f"The cards of '{connection}' cannot be read, so nothing can be matched with them.")
    settings = opened.project.flows[flows[0].name]
    pull = opened.assembly.mapping(connection, Product.entity, "pull", settings)
    return read_cards(opened.ledger, connector, pull, told)


def _bound(ledger: Ledger, connection: str) -> dict[str, Binding]:
    found: dict[str, Binding] = {}
    after = ""
    while True:
        with ledger.read() as tx:
            page = bindings.page(tx, connection, Product.entity, after)
        if not page:
            return found
        found.update((one.key, one) for one in page)
        after = page[-1].key


# -- what is shown ------------------------------------------------------------------------------------------


def _as_data(result: Result, stored: Stored | None, ours: Told, theirs: Told) -> dict[str, Any]:
    return {
        "matched": [
            {"key": one.good.key, "card": _card(one.card), "how": one.how, "stored": one.stored}
            for one in result.matched
        ],
        "ambiguous": [
            {"good": _good(one.good), "candidates": [{**_card(card), "how": how} for card, how in one.candidates]}
            for one in result.ambiguous
        ],
        "unmatched": {"goods": list(map(_good, result.goods)), "cards": list(map(_card, result.cards))},
        "lost": result.lost,
        "stored": None if stored is None else msgspec.to_builtins(stored),
        "unreadable": {"goods": ours.unreadable, "cards": theirs.unreadable, "reasons": ours.reasons + theirs.reasons},
        "partial": {"goods": ours.partial, "cards": theirs.partial},
    }


def _good(good: Good) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(good)
    return {name: value for name, value in shown.items() if name != "sku"}


def _card(card: Card) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(card)
    return shown


def _show(screen: Screen, connection: str, result: Result, stored: Stored | None, ours: Told, theirs: Told) -> None:
    _show_sums(screen, result)
    _show_ambiguous(screen, connection, result)
    goods = [good for good in result.goods if not good.archived]
    _show_rest(screen, "Goods without a card", [(one.key, one.name) for one in goods], len(result.goods) - len(goods))
    cards = [card for card in result.cards if not card.archived]
    rest = [(f"{one.sku} ({one.native_id})", one.name) for one in cards]
    _show_rest(screen, f"Cards of {connection} without a good", rest, len(result.cards) - len(cards))
    if result.lost:
        lost = ", ".join(result.lost[:_SHOWN])
        screen.line(f"Bound to cards that are not there any more ({number(len(result.lost))}): {lost}", "yellow")
    for side, told in (("goods", ours), ("cards", theirs)):
        if told.unreadable:
            reasons = "; ".join(told.reasons)
            screen.line(f"{number(told.unreadable)} of the {side} cannot be read, such as: {reasons}", "yellow")
        if told.partial:
            screen.line(f"Not all {side} were told: run it again later.", "yellow")
    _show_stored(screen, connection, result, stored)


def _show_sums(screen: Screen, result: Result) -> None:
    counts = Counter(one.how for one in result.matched)
    table = Table([Column("matched"), Column("goods", right=True)])
    for how in HOWS:
        if counts[how]:
            table.add(_WORDS[how], number(counts[how]))
    table.add(Cell("unclear", "yellow" if result.ambiguous else ""), number(len(result.ambiguous)))
    table.add("goods without a card", number(len(result.goods)))
    table.add("cards without a good", number(len(result.cards)))
    screen.table(table)


def _show_ambiguous(screen: Screen, connection: str, result: Result) -> None:
    if not result.ambiguous:
        return
    screen.line()
    screen.line("Unclear, each to be chosen by a person:", "yellow")
    for one in result.ambiguous[:_SHOWN]:
        screen.line(f"  {one.good.key}  {clipped(one.good.name, _NAME)}")
        for card, how in one.candidates[:_SHOWN]:
            gone = ", archived" if card.archived else ""
            screen.line(f"    {card.sku} ({card.native_id}), {_WORDS[how]}{gone}  {clipped(card.name, _NAME)}")
    _show_more(screen, len(result.ambiguous))
    screen.line(f"  obmen match {connection} product --bind SKU=CARD")


def _show_rest(screen: Screen, title: str, rest: Sequence[tuple[str, str]], archived: int) -> None:
    if not rest and not archived:
        return
    screen.line()
    besides = f" (besides {plural(archived, 'archived one')})" if archived else ""
    screen.line(f"{title}{besides}:")
    for key, name in rest[:_SHOWN]:
        screen.line(f"  {key}  {clipped(name, _NAME)}")
    _show_more(screen, len(rest))


def _show_more(screen: Screen, count: int) -> None:
    if count > _SHOWN:
        screen.line(f"  and {number(count - _SHOWN)} more: --json shows all")


def _show_stored(screen: Screen, connection: str, result: Result, stored: Stored | None) -> None:
    screen.line()
    if stored is not None:
        again = f" {plural(stored.again, 'record')} will be told to {connection} again." if stored.again else ""
        unbound = f", {plural(stored.unbound, 'binding')} forgotten" if stored.unbound else ""
        mended = f" {plural(stored.mended, 'record')} that waited can go on." if stored.mended else ""
        screen.line(f"{plural(stored.bound, 'binding')} stored{unbound}.{again}{mended}", "green")
        return
    new = _new(result)
    if new:
        screen.line(f"Nothing was stored. To bind {plural(new, 'good')}: obmen match {connection} product --apply")
    else:
        screen.line("There is nothing new to bind.")


def _new(result: Result) -> int:
    return sum(not one.stored for one in result.matched)
