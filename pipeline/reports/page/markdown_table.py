"""Tables in Markdown."""

from collections.abc import Sequence


def layout(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligns the cells, so that the source reads as well as the rendered table."""
    table = [[_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in table
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
