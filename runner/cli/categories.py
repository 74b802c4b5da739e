"""``obmen categories``: what a person needs to write a categories file: the vendor's ids, attributes and choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from obmen.categories import Catalogue, CategoryAttribute, CategoryNode, Suggestions, find_nodes
from obmen.connector import Connector
from obmen.entities import Product
from obmen.errors import ConfigurationError, meant
from obmen.mapping.category_rules import EVERY, joined
from obmen.state import Ledger, agreed, outbox
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from runner.cli.check_categories import has_attributes, unmapped
from runner.cli.session import Open, Session, session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Column, Screen, Table, plural

_MOST = 200

Which = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection to the vendor.")]
Text = Annotated[
    str, typer.Argument(metavar="TEXT", help="Words of the category's path, or its id; all if none is given.")
]
Id = Annotated[
    str | None, typer.Option("--attributes", metavar="ID", help="List the attributes of this category instead.")
]
Draft = Annotated[
    bool,
    typer.Option("--draft", metavar="", help="Print a categories file to begin with, for the categories of the goods."),
]


def categories(
    context: typer.Context,
    connection: Which,
    text: Text = "",
    attributes: Id = None,
    draft: Draft = False,
    json: Json = False,
) -> int:
    """Search the categories of a vendor, list what one demands, or draft a categories file.

    Nothing is written to the vendor.
    """
    current = session(context)
    if draft and (json or text or attributes):
        raise ConfigurationError("--draft prints a file for all categories of the goods; it takes nothing beside it.")
    if draft:
        return _draft(current, connection)
    with current.connected(connection) as connector:
        catalogue = Catalogue(_able(connector))
        if attributes is not None:
            return _attributes(current.screen, catalogue, attributes, json=json)
        return _search(current.screen, connection, find_nodes(catalogue.nodes(), text), text, json=json)


def _able(connector: Connector) -> Connector:
    if not has_attributes(connector):
        raise ConfigurationError(f"The connection '{connector.name}' knows no categories with attributes.")
    return connector


def _search(screen: Screen, connection: str, found: list[CategoryNode], text: str, *, json: bool) -> int:
    if json:
        screen.json([{"id": node.id, "path": list(node.path)} for node in found])
        return ExitCode.DONE
    if not found:
        raise ConfigurationError(f"No category of '{connection}' has '{text}' in its path. Try fewer or shorter words.")
    table = Table([Column("id"), Column("category")])
    for node in found[:_MOST]:
        table.add(node.id, node.title)
    screen.table(table)
    if len(found) > _MOST:
        screen.line(f"and {plural(len(found) - _MOST, 'category', 'categories')} more: say more words.")
    screen.line(f"What one demands: obmen categories {connection} --attributes ID")
    return ExitCode.DONE


def _attributes(screen: Screen, catalogue: Catalogue, category: str, *, json: bool) -> int:
    known = [node for node in catalogue.nodes() if node.id == category]
    if not known and catalogue.nodes():
        near = meant(category, [node.id for node in catalogue.nodes()]).partition(" Known:")[0]
        raise ConfigurationError(f"There is no category {category}.{near} Search for it by words of its name.")
    found = sorted(catalogue.attributes(category), key=lambda one: (not one.required, one.name.casefold(), one.id))
    if json:
        screen.json(msgspec.to_builtins(found))
        return ExitCode.DONE
    table = Table([Column("attribute"), Column("id"), Column("required"), Column("takes"), Column("unit")])
    for one in found:
        table.add(one.name, one.id, "yes" if one.required else "", _takes(one), one.unit)
    if known:
        screen.line(known[0].title)
    screen.table(table)
    return ExitCode.DONE


def _takes(one: CategoryAttribute) -> str:
    kind = "a choice" if one.choices else {"text": "text", "number": "a number", "boolean": "yes or no"}[one.kind]
    several = "" if not one.many else ", several" if one.most is None else f", up to {one.most}"
    return kind + several


# -- a file to begin with -----------------------------------------------------------------------------------


def _draft(current: Session, connection: str) -> int:
    with current.open() as opened, opened.progress() as listener, opened.ledger.rehearsal() as scratch:
        if connection not in opened.project.connections:
            known = opened.project.connections
            raise ConfigurationError(f"There is no connection '{connection}'.{meant(connection, known)}")
        pairs = list(_flows(opened, connection))
        if not pairs:
            message = f"No flow brings products to '{connection}', so there are no categories to draft for."
            raise ConfigurationError(message, where=str(opened.project.file))
        catalogue = Catalogue(_able(pairs[0][1].connector))
        Engine(scratch, opened.assembly.flows, listener=listener).read_only([flow.name for flow, _ in pairs])
        goods: dict[tuple[str, ...], int] = {}
        for flow, target in pairs:
            for path in _paths(scratch, flow, target):
                goods[path] = goods.get(path, 0) + 1
        for line in _lines(goods, catalogue):
            current.screen.line(line)
    return ExitCode.DONE


def _flows(opened: Open, connection: str) -> Iterator[tuple[Flow, Target]]:
    for flow in opened.assembly.flows:
        for target in flow.targets:
            if target.name == connection and flow.entity is Product:
                yield flow, target


def _paths(ledger: Ledger, flow: Flow, target: Target) -> Iterator[tuple[str, ...]]:
    """Yield the canonical category of every product that is known of: agreed, on its way, or set aside for it."""
    keys: set[str] = set()
    after = ("", -1)
    while True:
        with ledger.read() as tx:
            rows = outbox.listing(tx, flow.name, target.name, flow.entity.entity, after)
        if not rows:
            break
        for row in rows:
            keys.add(row.key)
            yield Product.model_validate_json(row.canonical).category or ()
        after = (rows[-1].key, rows[-1].sequence)
    for key, path, _ in unmapped(ledger, flow, target):
        if key not in keys:
            keys.add(key)
            yield path
    last = ""
    while True:
        with ledger.read() as tx:
            page = agreed.page(tx, target.name, flow.entity.entity, last)
        if not page:
            return
        yield from (Product.model_validate_json(one.canonical).category or () for one in page if one.key not in keys)
        last = page[-1].key


def _lines(goods: dict[tuple[str, ...], int], catalogue: Catalogue) -> Iterator[str]:
    near = Suggestions(catalogue.nodes())
    yield "# Which category of the vendor's each of ours goes to, and what fills its attributes."
    yield "# The ids are guessed by name: look at each. --attributes ID tells what a category demands."
    yield f'"{EVERY}":'
    yield "  attributes: {}"
    for path, count in sorted(goods.items()):
        if not path:
            yield f'# {plural(count, "product")} without a category: `category` under "{EVERY}" is for such.'
            continue
        found = near.of(path)
        yield f"{_quoted(joined(path))}:  # {plural(count, 'product')}"
        if not found:
            yield '  category: ""  # nothing of a like name'
            continue
        yield f"  category: {_quoted(found[0].id)}  # {found[0].title}"
        for node in found[1:]:
            yield f"  #         {_quoted(node.id)}  # {node.title}"
        yield from _required(catalogue, found[0].id)


def _required(catalogue: Catalogue, category: str) -> Iterator[str]:
    wanted = [one for one in catalogue.attributes(category) if one.required]
    if wanted:
        yield "  attributes:"
    for one in wanted:
        unit = f", unit: {one.unit}" if one.unit else ""
        yield f"    {_quoted(one.name)}: {{ attribute: {_quoted(one.name)}{unit} }}  # {_takes(one)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
