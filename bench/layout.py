"""Figures as text: numbers, spreads, tables, and their place on a page."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from figures import Spread


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float) -> str:
    """Write a number with as many digits as matter here."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def octets(a_second: float) -> str:
    """Write bytes a second."""
    unit, name = (1e6, "MB/s") if a_second >= 1e5 else (1e3, "KB/s")
    return f"{a_second / unit:.1f} {name}"


def around(values: Spread) -> str:
    """Write a median and its spread."""
    if values.low == values.high:
        return number(values.median)
    return f"{number(values.median)} ({number(values.low)}–{number(values.high)})"  # noqa: RUF001


def put(page: Path, begin: str, end: str, text: str) -> None:
    """Put the generated part of a page in its place, between two lines that stay."""
    before, _, rest = page.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page} lacks the lines between which this goes")
    page.write_text(f"{before}{begin}\n\n{text.rstrip()}\n\n{end}{after}")
