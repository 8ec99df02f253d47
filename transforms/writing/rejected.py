"""Refused rows: kept with the reason, so that people can look at them."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.reading.rejected_row import RejectedRow
from transforms.reading.row_error import (
    DUPLICATE_PAIR,
    ENCODING,
    LABEL_OUT_OF_RANGE,
    MALFORMED,
    MISSING_FIELD,
    NOT_A_NUMBER,
    NOT_A_TIME,
)
from transforms.row_counts import RowCounts
from transforms.schema import REJECTED_DIR, DataError
from transforms.specs import CommonSpec
from transforms.stable_hash import stable_digest
from transforms.writing.output_files import STAGE_DIR, OutputFiles

_STAGED = f"{STAGE_DIR}/{REJECTED_DIR}"
# Rows of one file that are sorted and written together. A fixed stretch of lines, so
# that the parts do not depend on the size of a block.
_LINES_PER_PART = 1_000_000
# Keys that help, by the reason of most refused rows of a table.
_CURES = {
    MISSING_FIELD: "If an empty field is a code for nothing known, it goes into "
    '`table.missing`, as ""; if lines are cut wrongly, see `table.delimiter` and '
    "`table.header`",
    MALFORMED: "See `table.delimiter`, `table.quote` and `table.extra_fields`",
    NOT_A_NUMBER: "See `label_column`; codes for no label go into `table.missing`",
    NOT_A_TIME: "See `time_column`, or write times as numbers or such dates",
    LABEL_OUT_OF_RANGE: "See `label_min`, `label_max` and `label_scale`; codes for no "
    "label go into `table.missing`, written as in the table",
    ENCODING: "See `table.encoding`, such as latin-1",
    DUPLICATE_PAIR: "See `interactions.keep` and `interactions.time_column`",
}
_ROWS_REFUSED = Metrics.counter("cmml", "rows_refused")


class RejectedRowsError(DataError):
    """More rows of a table were refused than the configuration allows."""


@beam.ptransform_fn
def write_rejected(rejected: beam.PCollection, files: OutputFiles) -> beam.PCollection:
    """Writes refused rows under the stage folder, sorted within each stretch of a file.

    Input: `RejectedRow`.
    Output: nothing of use.

    Args:
        rejected: The input.
        files: The output directory.
    """
    keyed = rejected | "KeyByStretch" >> beam.Map(_key_by_stretch)
    groups = keyed | "GroupByStretch" >> beam.GroupByKey()
    return groups | "WriteStretch" >> beam.ParDo(_WriteStretch(files))


def write_stretch(
    files: OutputFiles, source: str, stretch: int, rows: Iterable[RejectedRow]
) -> int:
    """Writes refused rows of one stretch of a file under the stage folder.

    Args:
        files: The output directory.
        source: The file that the rows come from.
        stretch: Number of the stretch, from 0.
        rows: Its refused rows, at least one, in any order.

    Returns:
        How many were written: one of each line and reason.
    """
    unique = sorted_once(rows)
    text = "".join(row.to_json() + "\n" for row in unique)
    name = f"{stable_digest(0, source).hex()}-{stretch}.jsonl"
    files.write(f"{_STAGED}/{name}", text.encode())
    return len(unique)


def sorted_once(rows: Iterable[RejectedRow]) -> list[RejectedRow]:
    """Sorts rows of one file by line, and keeps one of each line and reason.

    A file that serves as interactions and as users refuses an unreadable row twice.
    The interactions come first in the order of the tables' names, so theirs is kept.
    """
    unique: dict[tuple[int, str], RejectedRow] = {}
    for row in sorted(rows, key=_sort_key):
        unique.setdefault((row.line, row.reason), row)
    return list(unique.values())


@dataclasses.dataclass(frozen=True)
class CollectedRows:
    """The refused rows that are kept.

    Attributes:
        reasons: How many there are, by reason.
        first: The first one of each table, as it is kept.
    """

    reasons: collections.Counter[str]
    first: Mapping[str, Mapping[str, Any]]


def collect_rejected(files: OutputFiles) -> CollectedRows:
    """Moves the staged parts to their place, in order of source and line.

    Args:
        files: The output directory. Its `rejected` folder is made, even if empty.
    """
    files.make_dir(REJECTED_DIR)
    reasons: collections.Counter[str] = collections.Counter()
    first: dict[str, dict[str, Any]] = {}
    parts = []
    for name in files.names(_STAGED):
        rows = [json.loads(line) for line in files.lines(name)]
        parts.append((rows[0]["source"], rows[0]["line"], name))
        for row in rows:
            reasons[row["reason"]] += 1
            first.setdefault(row["table"], row)
    for number, (_, _, name) in enumerate(sorted(parts)):
        files.move(name, f"{REJECTED_DIR}/part-{number:05d}.jsonl")
    return CollectedRows(reasons, first)


def check_refused(
    counts: Mapping[str, RowCounts],
    first: Mapping[str, Mapping[str, Any]],
    spec: CommonSpec,
    output_dir: str,
) -> None:
    """Compares the share of refused rows of each table with the limit.

    Args:
        counts: What became of the rows of each table.
        first: A refused row of each table.
        spec: The limit, and what may not be refused at all.
        output_dir: Where the refused rows are kept.

    Raises:
        RejectedRowsError: If it is above the limit.
    """
    for table, count in counts.items():
        refused = count.refused.total()
        share = refused / max(count.read, 1)
        never = spec.intolerable.get(table, "")
        if share <= spec.max_rejected_fraction and not count.refused[never]:
            continue
        reasons = ", ".join(f"{n} {code}" for code, n in (+count.refused).most_common())
        row = first.get(table)
        example = (
            f" One is line {row['line']} of {row['source']}: {row['detail']}."
            if row
            else ""
        )
        ((most, _),) = count.refused.most_common(1)
        cure = f" {_CURES[most]}." if most in _CURES else ""
        raise RejectedRowsError(
            f"{_limit(spec, never, count)} of the {table} to be refused, got "
            f"{share:.2%} ({refused} of {count.read}: {reasons})."
            f"{example}{cure} The rows are in {output_dir}/{REJECTED_DIR}."
        )


def _limit(spec: CommonSpec, never: str, count: RowCounts) -> str:
    if count.refused[never]:
        return f"`keep: error` allows no {never}"
    return f"data.max_rejected_fraction allows {spec.max_rejected_fraction:.2%}"


@dataclasses.dataclass(eq=False)
class _WriteStretch(beam.DoFn):
    files: OutputFiles

    def process(
        self, group: tuple[tuple[str, int], Iterable[RejectedRow]]
    ) -> Iterator[int]:
        (source, stretch), rows = group
        num_rows = write_stretch(self.files, source, stretch, rows)
        _ROWS_REFUSED.inc(num_rows)
        yield num_rows


def _key_by_stretch(row: RejectedRow) -> tuple[tuple[str, int], RejectedRow]:
    return (row.source, row.line // _LINES_PER_PART), row


def _sort_key(row: RejectedRow) -> tuple[int, str, str, str]:
    return row.line, row.reason, row.table, row.detail
