"""Runs the command line on a small project of two invented shelves, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

SITE = Path(__file__).parent / "site"
ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(SITE))  # where the invented connector is installed

from shelf import KEY, Shelf, ShelfSandbox  # noqa: E402 - it is found only from here on

__all__ = [
    "FLOWS",
    "KEY",
    "ORDERS",
    "SITE",
    "Place",
    "Ran",
    "Shelf",
    "ShelfSandbox",
    "fill",
    "install",
    "order",
    "price",
]
ORDERS = """\
flows:
  products: { entity: product, from: erp, to: shop }
  orders: { entity: order, from: shop, to: erp }
"""
FLOWS = """\
flows:
  products: { entity: product, from: erp, to: shop }
  prices: { entity: price, from: erp, to: shop }
  stock: { entity: stock, from: erp, to: shop, missing: zero }
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def install(folder: Path) -> Path:
    """Make the checkout look installed, the invented connector too; return the folder for the path."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    info = folder / f"obmen-{settings['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: obmen\nVersion: {settings['version']}\n")
    points = {**settings["entry-points"]["obmen.connectors"], "shelf": "shelf:Shelf", "past_shelf": "past:PastShelf"}
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[obmen.connectors]\n{lines}")
    return folder


@dataclass
class Place:
    """A project's folder, the path from which processes find everything, and how they begin."""

    folder: Path
    site: Path
    environment: dict[str, str] = field(default_factory=dict)
    begin: tuple[str, ...] = ("-m", "runner.cli")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def project(self, erp: str, shop: str, *, flows: str = FLOWS, more: str = "") -> Path:
        """Two shelves; ``erp`` and ``shop`` are addresses, ``more`` options of the shop."""
        return self.write(
            "obmen.yaml",
            f"connections:\n  erp: {{ connector: shelf, url: {erp}, key: {KEY} }}\n"
            f"  shop: {{ connector: shelf, url: {shop}, key: {KEY}{more} }}\n{dedent(flows)}",
        )

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start ``obmen`` as a process of its own."""
        path = os.pathsep.join(map(str, (self.site, SITE, ROOT)))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "error", **self.environment}
        environment.pop("OBMEN_PROJECT", None)
        return subprocess.Popen(
            [sys.executable, *self.begin, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            **options,
        )

    def process(self, *arguments: str) -> Ran:
        """Run ``obmen`` as a process of its own to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return Ran(process.returncode, out, err)


def fill(erp: ShelfSandbox, goods: int = 5, *, amount: str = "100.00", free: int = 7) -> None:
    """Put goods with a price and a stock each on the shelf."""
    for number in range(1, goods + 1):
        erp.put("product", {"id": f"A-{number}", "name": f"Rug {number}"})
        erp.put("price", {"id": f"A-{number}", "type": "base", "amount": amount})
        erp.put("stock", {"id": f"A-{number}", "place": "Main", "free": free})


def price(number: int, amount: str) -> dict[str, str]:
    return {"id": f"A-{number}", "type": "base", "amount": amount}


def order(number: str, sku: str = "A-1") -> dict[str, object]:
    lines = [{"sku": sku, "n": 1, "price": 100}]
    return {
        "channel": "shop",
        "number": number,
        "at": "2026-06-15T06:00:00Z",
        "buyer": "Ivan Primerov",
        "lines": lines,
    }
