"""The command line: ``obmen``. Each command or group of commands is one module; ``app`` lists them."""

from runner.cli.app import main

__all__ = ["main"]
