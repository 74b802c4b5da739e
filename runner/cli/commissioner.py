"""``obmen commissioner``: a channel's report as a document that 1C's accountant loads or enters; nobody is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from obmen.errors import ConfigurationError
from obmen.facts import gather
from obmen.facts.books import money as shown
from obmen.facts.commissioner import Report, Row, as_document, reports
from runner.cli.money import channel_of, write_csv
from runner.cli.period import From, To, period
from runner.cli.session import session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Column, Table

ConnectionName = Annotated[str, typer.Argument(metavar="CONNECTION", help="The channel whose report it is.")]
Number = Annotated[
    str, typer.Option("--report", metavar="NUMBER", help="The channel's own report of this number, not a period.")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for the files.")]


def commissioner(
    context: typer.Context,
    connection: ConnectionName,
    since: From = None,
    until: To = None,
    report: Number = "",
    output: Output = Path(),
    json: Json = False,
) -> int:
    """Prepare the commissioner's report (Отчёт комиссионера) of a channel for 1C.

    It becomes a JSON file and a table (CSV) for each currency: goods sold and given back, the commission, and the
    channel's services. Their totals are those of what the channel accrued. Nothing is written to 1C.
    """
    current = session(context)
    if report and (since or until):
        raise ConfigurationError("Say a period or --report, not both.")
    project = current.load()
    channel_of(project, connection)
    begin, end = period(project, since, until)
    with current.ledger(project) as ledger, ledger.read() as tx:
        terms = gather.terms(project, tx.now, begin, end)
        facts = gather.facts(tx, project, terms, connection)
    found = reports(facts, terms, report)
    if not found:
        of = f"report {report}" if report else "this period"
        raise ConfigurationError(f"No accruals of {connection} are known in {of}. Read them first: obmen sync")
    output.mkdir(parents=True, exist_ok=True)
    written = [_save(output, one) for one in found]
    if json:
        current.screen.json([{**as_data(one), "files": files} for one, files in zip(found, written, strict=True)])
        return ExitCode.DONE
    table = Table(
        [Column("Period"), *(Column(name, right=True) for name in ("Sold", "Given back", "Commission", "Services"))]
    )
    table.columns = [*table.columns, Column("Due", right=True), Column("Paid out", right=True), Column("Files")]
    for one, files in zip(found, written, strict=True):
        sums = (one.total("sold"), one.total("returned"), one.reward, one.total("services"), one.due, one.paid)
        table.add(f"{one.since} – {one.until}", *(shown(amount, one.currency) for amount in sums), ", ".join(files))
    current.screen.table(table)
    return ExitCode.DONE


def as_data(report: Report) -> dict[str, Any]:
    """Return what the JSON file holds: 1C's document, the services beside it, and the totals."""
    return {
        "channel": report.channel,
        "report": report.number,
        "ОтчетКомиссионера": as_document(report),
        "services": [
            {"content": row.content, "amount": f"{row.amount:f}"} for row in report.rows if row.table == "services"
        ],
        "totals": {
            "sold": f"{report.total('sold'):f}",
            "returned": f"{report.total('returned'):f}",
            "commission": f"{report.reward:f}",
            "services": f"{report.total('services'):f}",
            "due": f"{report.due:f}",
            "paid": f"{report.paid:f}",
            "currency": report.currency,
        },
    }


def _save(folder: Path, report: Report) -> list[str]:
    name = f"commissioner-{report.channel}-{report.number or f'{report.since}-{report.until}'}-{report.currency}"
    data, table = folder / f"{name}.json", folder / f"{name}.csv"
    try:
        data.write_bytes(msgspec.json.format(msgspec.json.encode(as_data(report)), indent=2))
    except OSError as error:
        raise ConfigurationError(f"The file cannot be written ({error.strerror}).", where=str(data)) from error
    write_csv(table, [_row(row) for row in report.rows])
    return [str(data), str(table)]


def _row(row: Row) -> dict[str, Any]:
    return {
        "table": row.table,
        "article": row.sku,
        "content": row.content,
        "quantity": "" if row.quantity is None or row.table == "services" else f"{row.quantity.normalize():f}",
        "amount": f"{row.amount:.2f}",
        "vat": "" if row.tax is None else f"{row.tax:.2f}",
        "commission": f"{row.reward:.2f}",
    }
