"""The ledger: what Obmen knows of each record, so that nothing is lost, doubled or written for nothing."""

from obmen.state.ledger import Lease, Ledger, Transaction

__all__ = ["Lease", "Ledger", "Transaction"]
