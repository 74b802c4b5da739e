"""Reports: the list of them, and each as a chart and as a table."""

from __future__ import annotations

from datetime import date

from runner.web.call import Answer, Call, Lost, Shown
from runner.web.charts import bars
from runner.web.reports import REPORTS


def reports(_call: Call) -> Answer:
    """Show which there are."""
    return Shown("reports.html", {"reports": sorted([*REPORTS, "money"])})


def report(call: Call) -> Answer:
    """Show one."""
    name = call.path["report"]
    make = REPORTS.get(name)
    if make is None:
        raise Lost
    with call.ledger.read() as tx:
        table = make(tx, call.project)
    labels = [_label(day, call.words.language) for day in table.days]
    return Shown("report.html", {"name": name, "table": table, "labels": labels, "chart": bars(table, labels)})


def _label(day: date, language: str) -> str:
    return day.strftime("%d.%m" if language == "ru" else "%b %d")
