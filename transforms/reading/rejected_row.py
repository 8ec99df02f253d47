"""A refused row, with what was expected of it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from transforms.reading.blocks import Block
from transforms.reading.row_error import RowError
from transforms.reading.text_rows import Fields, UnreadableRow
from transforms.reading.values import as_json

# Tag of the output of refused rows.
REJECTED = "rejected"


@dataclasses.dataclass(frozen=True)
class RejectedRow:
    """A refused row.

    Attributes:
        table: What it was read as, such as "interactions" or "users".
        source: The file.
        line: Its 1-based line or row number there.
        reason: One of `row_error.REASONS`.
        detail: What was expected and what came.
        row: The fields read, by column, or the text of an unreadable row.
    """

    table: str
    source: str
    line: int
    reason: str
    detail: str
    row: str | Mapping[str, object]

    def to_json(self) -> str:
        """Returns one line of `rejected/part-*.jsonl`, without the line end."""
        fields = dataclasses.asdict(self)
        if not isinstance(self.row, str):
            fields["row"] = as_json(self.row)
        return json.dumps(fields)


def rejected_row(
    table: str,
    block: Block,
    line: int,
    fields: Fields | UnreadableRow,
    columns: Sequence[str],
    error: RowError,
) -> RejectedRow:
    """Returns a refused row of a block.

    Args:
        table: What it was read as.
        block: Where it is from.
        line: Its line or row number.
        fields: The row, as `rows_of` gave it.
        columns: Names of the fields.
        error: Why it is refused.
    """
    if isinstance(fields, UnreadableRow):
        content: Any = fields.text
    else:
        content = dict(zip(columns, fields, strict=True))
    return RejectedRow(table, block.source, line, error.reason, error.detail, content)
