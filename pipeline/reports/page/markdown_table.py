"""Tables in Markdown."""

from collections.abc import Sequence

WIDTH = 100  # Letters of a line of a terminal.


def layout(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligns the cells, so that the source reads as well as the rendered table."""
    table = [[_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = _widths(table)
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in table
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def narrow_layouts(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligns the cells in as many tables as it takes for none to be wider than `WIDTH`.

    Args:
        header: Titles. The first column is in each table.
        rows: Cells of each row.
    """
    first, *others = [width + len(" | ") for width in _widths([header, *rows])]
    parts: list[list[int]] = [[]]
    taken = len("|") + first
    for place, width in enumerate(others, start=1):
        if parts[-1] and taken + width > WIDTH:
            parts.append([])
            taken = len("|") + first
        parts[-1].append(place)
        taken += width
    return [
        layout(
            [header[i] for i in (0, *part)],
            [[row[i] for i in (0, *part)] for row in rows],
        )
        for part in parts
    ]


def _widths(table: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(cell) for cell in column) for column in zip(*table, strict=True)]


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
