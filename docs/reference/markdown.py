"""Markdown of the generated pages."""

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `python -m docs.generate`; do not edit. -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Returns the lines of a table, with a blank one after it."""
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows), ""]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
