"""``obmen money``: what channels accrued and paid, what does not agree, what goods brought; nobody is called."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from obmen.errors import ConfigurationError, meant
from obmen.facts import gather
from obmen.facts.books import Difference
from obmen.facts.books import money as shown
from obmen.facts.settlement import Line, Settlement, Total, settle
from obmen.facts.units import COLUMNS, Unit, added, units
from obmen.project import Project
from runner.cli.period import From, To, period
from runner.cli.session import session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Cell, Column, Screen, Table, number, plural

KINDS = ("sale", "refund", "commission", "delivery", "return_delivery", "acquiring", "storage", "advertising")
"""Kinds of accruals that have a column; the others are told as ``other``."""

By = Annotated[
    Literal["channel", "order", "sku"],
    typer.Option("--by", metavar="WHAT", help="What a row is: channel, order or sku (margin)."),
]
Channel = Annotated[str | None, typer.Option("--channel", metavar="NAME", help="Of this connection alone.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows into a CSV file, too.")]


@dataclass(frozen=True, slots=True)
class _Found:
    settlement: Settlement
    units: Sequence[Unit]


def money(
    context: typer.Context,
    by: By = "channel",
    channel: Channel = None,
    since: From = None,
    until: To = None,
    file: Csv = None,
    json: Json = False,
) -> int:
    """Compare orders, accruals, payouts and 1C's documents; tell what goods brought.

    All is reckoned from what was read already. What does not agree is listed, each with the papers that disagree and
    what to do next.
    """
    current = session(context)
    project = current.load()
    channel_of(project, channel)
    begin, end = period(project, since, until)
    with current.ledger(project) as ledger, ledger.read() as tx:
        terms = gather.terms(project, tx.now, begin, end)
        facts = gather.facts(tx, project, terms, channel)
        skus = {line.sku for order in facts.orders for line in order.lines} | {a.sku for a in facts.accruals if a.sku}
        costs, vats = gather.costs(tx, project, skus), gather.vats(tx, project, skus)
    settlement = settle(facts, terms)
    found = _Found(settlement, units(facts, terms, costs, vats) if by == "sku" or json else ())
    if file is not None:
        write_csv(file, _rows(by, found))
    if json:
        current.screen.json(_as_data(found, by))
    else:
        _show(current.screen, by, found, file)
    return ExitCode.ATTENTION if settlement.differences else ExitCode.DONE


def channel_of(project: Project, name: str | None) -> None:
    """Refuse a channel that the project does not read money from."""
    channels = sorted({flow.source for flow in project.flows.values() if flow.entity == "accrual"})
    if not channels:
        message = "The project reads no money. Add a flow { entity: accrual, from: CHANNEL, to: [] }."
        raise ConfigurationError(message, where=str(project.file))
    if name is not None and name not in channels:
        message = f"The project reads no money from '{name}'.{meant(name, channels)}"
        raise ConfigurationError(message, where=str(project.file))


# -- tables --------------------------------------------------------------------------------------------------


def _show(screen: Screen, by: str, found: _Found, file: Path | None) -> None:
    settlement = found.settlement
    if not settlement.lines:
        screen.line("No money is known of this period. Read it first: obmen sync")
        return
    screen.table({"channel": _totals, "order": _orders, "sku": _units}[by](found))
    screen.line()
    for channel, count in settlement.unread.items():
        screen.line(f"{channel}: {plural(count, 'order')} with money whose order was not read (see obmen backfill).")
    if file is not None:
        screen.line(f"Written: {file}")
    if not settlement.differences:
        screen.line("Everything agrees.", "green")
        return
    screen.line(f"{plural(len(settlement.differences), 'difference')}:", "yellow")
    for one in settlement.differences:
        screen.line(f"{one.channel} {one.order or '(no order)'}: {one.kind}, {shown(one.amount, one.currency)}")
        screen.line(f"  {one.said}")
        screen.line(f"  {one.next}")


def _totals(found: _Found) -> Table:
    table = Table([Column("Channel"), *_numbers("Orders", *(_title(kind) for kind in (*KINDS, "other")))])
    table.columns = [*table.columns, *_numbers("Accrued", "Paid out", "Still owed"), Column("")]
    for total in found.settlement.totals:
        sums = [shown(amount) for amount in _kinds(total.sums)]
        rest = (shown(total.accrued), shown(total.paid), _owed(total.owed))
        table.add(total.channel, number(total.orders), *sums, *rest, total.currency)
    return table


def _orders(found: _Found) -> Table:
    table = Table([Column("Order"), Column("Placed"), Column("Status")])
    titles = ("Ordered", "Returned", "Sale", "Commission", "Other", "Accrued", "Paid out", "Still owed")
    table.columns = [*table.columns, *_numbers(*titles), Column("Document")]
    for line in found.settlement.lines:
        sale = line.sums.get("sale", Decimal(0)) + line.sums.get("refund", Decimal(0))
        commission = line.sums.get("commission", Decimal(0))
        table.add(
            f"{line.key.channel} {line.key.order or '(no order)'}",
            _day(line.placed_at),
            line.status,
            shown(line.ordered) if line.ordered is not None else "",
            shown(line.returned),
            shown(sale),
            shown(commission),
            shown(line.accrued - sale - commission),
            shown(line.accrued),
            shown(line.paid),
            _owed(line.owed),
            line.document.connection if line.document else "",
        )
    return table


def _units(found: _Found) -> Table:
    table = Table([Column("Channel"), Column("SKU")])
    titles = ("Sold", "Back", "Revenue", "Commission", "Delivery", "Other", "Shared", "VAT", "Cost", "Profit")
    table.columns = [*table.columns, *_numbers(*titles, "Margin", "Share")]
    labelled = [(unit, unit.sku or "(none)") for unit in found.units]
    for unit, label in (*labelled, *((unit, "(all)") for unit in _sums(found.units))):
        table.add(
            unit.channel,
            label,
            _plain(unit.sold),
            _plain(unit.returned),
            shown(unit.revenue),
            *(shown(unit.sums[name]) for name in ("commission", "delivery", "other", "shared")),
            shown(unit.vat),
            *(shown(amount) if amount is not None else "?" for amount in (unit.cost, unit.profit)),
            _percent(unit.margin),
            _percent(unit.share),
        )
    return table


def _sums(rows: Sequence[Unit]) -> list[Unit]:
    owners = sorted({(row.channel, row.currency) for row in rows})
    return [added([row for row in rows if (row.channel, row.currency) == owner]) for owner in owners]


def _numbers(*titles: str) -> list[Column]:
    return [Column(title, right=True) for title in titles]


def _title(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _kinds(sums: Any) -> list[Decimal]:
    told = [sums.get(kind, Decimal(0)) for kind in KINDS]
    return [*told, sum(sums.values(), Decimal(0)) - sum(told, Decimal(0))]


def _owed(amount: Decimal) -> Cell:
    return Cell(shown(amount), "yellow" if amount else "")


def _plain(value: Decimal | None) -> str:
    return "?" if value is None else f"{value.normalize():f}"


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{share * 100:.2f} %"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else ""


# -- for programs --------------------------------------------------------------------------------------------


def write_csv(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as a CSV file that Excel opens too: UTF-8 with its mark, semicolons between."""
    some = list(rows)
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as stream:
            if some:
                table = csv.DictWriter(stream, list(some[0]), delimiter=";")
                table.writeheader()
                table.writerows(some)
    except OSError as error:
        raise ConfigurationError(f"The file cannot be written ({error.strerror}).", where=str(file)) from error


def _rows(by: str, found: _Found) -> list[dict[str, Any]]:
    if by == "order":
        return [_line_as_data(line) for line in found.settlement.lines]
    if by == "sku":
        return [_unit_as_data(unit) for unit in found.units]
    return [_total_as_data(total) for total in found.settlement.totals]


def _as_data(found: _Found, by: str) -> dict[str, Any]:
    return {
        "totals": [_total_as_data(total) for total in found.settlement.totals],
        "rows": _rows(by, found) if by != "channel" else [],
        "differences": [_difference_as_data(one) for one in found.settlement.differences],
        "unread_orders": dict(found.settlement.unread),
    }


def _total_as_data(total: Total) -> dict[str, Any]:
    return {
        "channel": total.channel,
        "currency": total.currency,
        "orders": total.orders,
        **dict(zip((*KINDS, "other"), map(_text, _kinds(total.sums)), strict=True)),
        "accrued": _text(total.accrued),
        "paid": _text(total.paid),
        "owed": _text(total.owed),
    }


def _line_as_data(line: Line) -> dict[str, Any]:
    return {
        "channel": line.key.channel,
        "order": line.key.order,
        "currency": line.key.currency,
        "placed": _day(line.placed_at),
        "status": line.status,
        "ordered": _text(line.ordered),
        "returned": _text(line.returned),
        **dict(zip((*KINDS, "other"), map(_text, _kinds(line.sums)), strict=True)),
        "accrued": _text(line.accrued),
        "paid": _text(line.paid),
        "owed": _text(line.owed),
        "document": line.document.id if line.document else "",
        "document_total": _text(line.document.total if line.document else None),
    }


def _unit_as_data(unit: Unit) -> dict[str, Any]:
    return {
        "channel": unit.channel,
        "sku": unit.sku,
        "currency": unit.currency,
        "sold": _text(unit.sold),
        "returned": _text(unit.returned),
        **{name: _text(unit.sums[name]) for name in COLUMNS},
        "accrued": _text(unit.accrued),
        "vat": _text(unit.vat),
        "cost": _text(unit.cost),
        "profit": _text(unit.profit),
        "margin": _text(unit.margin),
        "share": _text(unit.share),
    }


def _difference_as_data(one: Difference) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "channel": one.channel,
        "order": one.order,
        "amount": _text(one.amount),
        "currency": one.currency,
        "at": one.at.isoformat(),
        "sources": list(one.sources),
        "said": one.said,
        "next": one.next,
    }


def _text(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"
