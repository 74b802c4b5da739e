"""The command line: ``obmen``. Each command group is one module; ``app`` puts them together."""

from runner.cli.app import main

__all__ = ["main"]
