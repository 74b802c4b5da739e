"""A whole source that had records and gives none: far more often a slip of the source than what a seller means.

Prevents that a feed stands still in silence: where the flow ignores what is missing, no guard would ever speak.
"""

from __future__ import annotations

from obmen.state import seen
from obmen.state.ledger import Transaction
from obmen.sync.flow import Flow


def warning(tx: Transaction, flow: Flow) -> str:
    """Return what a person should know of a source that gives nothing any more.

    Where what is missing is ignored, all stays as it was known to be, so that the warning comes back until the
    source gives something or a person says that nothing is right. Otherwise the guards judge what becomes of each.
    """
    known = seen.count(tx, flow.name)
    message = f"{flow.source.name} gives no {flow.entity.entity} at all, and {known} are known of it."
    right = f' If that is right: obmen sync {flow.name} --force "why".' if flow.missing == "ignore" else ""
    return f"{message} See what it exports.{right}"
