"""A table that can be read as Markdown, sorted in a browser, and computed with."""

import csv
import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

FAILED = "failed"

WIDTH = 100  # Letters of a line of a terminal.
_MANY_LETTERS = 40  # Cells of more are given room, to be of few lines.


@dataclasses.dataclass(frozen=True)
class Column:
    """How one value of every row is shown.

    Attributes:
        key: Where a row has it, and what it is called in CSV.
        title: What it is called in front of people.
        text: Writes a value.
        record: The dataclass that its values are of, which in CSV takes a column for
            each field; None if they are numbers or text.
        better: 1 if the highest value is the best and to be in bold, -1 if the lowest,
            0 if none is.
        is_decisive: Whether the table is about it, so that a method that failed says so
            here.
    """

    key: str
    title: str
    text: Callable[[Any], str] = str
    record: type | None = None
    better: int = 0
    is_decisive: bool = False

    def names(self) -> list[str]:
        """Returns the columns that it takes in CSV, the value to sort by first."""
        if self.record is None:
            return [self.key]
        return [f"{self.key}_{field.name}" for field in dataclasses.fields(self.record)]

    def parts(self, value: Any) -> list[Any]:
        """Returns the values of those columns, empty text if there is none."""
        if value is None:
            return [""] * len(self.names())
        return [value] if self.record is None else list(dataclasses.astuple(value))


METHOD = Column("method", "method")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One value as a page shows it.

    Attributes:
        text: The value, written out.
        kind: Classes of the style sheet: "text", "text long" or "number".
        key: What rows are sorted by.
        is_best: Whether it is the best of its column.
    """

    text: str
    kind: str
    key: Any
    is_best: bool


@dataclasses.dataclass(frozen=True)
class ResultTable:
    """Rows of values, and how to show them.

    Attributes:
        name: Short name, for files.
        title: Heading.
        note: What the figures are, in a sentence or two.
        columns: The columns.
        rows: By key of the column, a value, or None where there is none; under
            "failure" why the method failed, if it did.
    """

    name: str
    title: str
    note: str
    columns: Sequence[Column]
    rows: Sequence[Row]

    def to_markdown(self) -> str:
        """Returns the heading, the note and the table; the best values in bold."""
        return f"## {self.title}\n\n{self.note}\n\n{self.markdown_rows()}\n"

    def markdown_rows(self) -> str:
        """Returns the table alone."""
        best = self._best()
        cells = [
            [f"**{text}**" if column.key in best[n] else text for column, text in row]
            for n, row in enumerate(self._texts())
        ]
        return layout([column.title for column in self.columns], cells)

    def to_csv(self) -> str:
        """Returns all values in full precision, with a line of names."""
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow([name for column in self.columns for name in column.names()])
        for row in self.rows:
            values = [(column, row.get(column.key)) for column in self.columns]
            writer.writerow(
                [part for column, value in values for part in column.parts(value)]
            )
        return lines.getvalue()

    def cells(self) -> list[list[Cell]]:
        """Returns the cells of each row, as the template of tables takes them."""
        best = self._best()
        return [
            [
                _cell(column, self.rows[n], text, column.key in best[n])
                for column, text in texts
            ]
            for n, texts in enumerate(self._texts())
        ]

    def _texts(self) -> list[list[tuple[Column, str]]]:
        return [
            [(column, _text(column, row)) for column in self.columns]
            for row in self.rows
        ]

    def _best(self) -> list[set[str]]:
        """Returns, for each row, the keys of the columns it is the best of."""
        best: list[set[str]] = [set() for _ in self.rows]
        for column in self.columns:
            values = {
                n: column.better * column.parts(row[column.key])[0]
                for n, row in enumerate(self.rows)
                if column.better and row.get(column.key) is not None
            }
            for n, value in values.items():
                if value == max(values.values()):
                    best[n].add(column.key)
        return best


def _text(column: Column, row: Row) -> str:
    value = row.get(column.key)
    if value is not None:
        return column.text(value)
    if row.get("failure"):
        return FAILED if column.is_decisive else ""
    return "-"


def _cell(column: Column, row: Row, text: str, is_best: bool) -> Cell:
    value = row.get(column.key)
    kind = "text" if isinstance(value, str) else "number"
    kind += " long" if kind == "text" and len(text) > _MANY_LETTERS else ""
    return Cell(text, kind, key=column.parts(value)[0], is_best=is_best)


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
