"""Numbered migrations of the ledger, each forward only."""
