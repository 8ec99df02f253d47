"""Refused rows: kept with the reason, so that people can look at them."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.rejected_row import RejectedRow
from transforms.schema import REJECTED_DIR, DataError
from transforms.stable_hash import stable_digest
from transforms.writing.output_files import STAGE_DIR, OutputFiles

_STAGED = f"{STAGE_DIR}/{REJECTED_DIR}"
# Rows of one file that are sorted and written together. A fixed stretch of lines, so
# that the parts do not depend on the size of a block.
_LINES_PER_PART = 1_000_000
_ROWS_REFUSED = Metrics.counter("cmml", "rows_refused")


class RejectedRowsError(DataError):
    """More of the interactions were refused than the configuration allows."""


class WriteRejected(beam.PTransform):
    """Writes refused rows under the stage folder, sorted within each stretch of a file.

    Input: `RejectedRow`.
    Output: nothing of use.

    Args:
        files: The output directory.
    """

    def __init__(self, files: OutputFiles) -> None:
        super().__init__()
        self._files = files

    @no_beam_hints
    def expand(self, rejected: beam.PCollection) -> beam.PCollection:
        """Groups rows by stretch of lines and writes a file for each."""
        keyed = rejected | "KeyByStretch" >> beam.Map(_key_by_stretch)
        groups = keyed | "GroupByStretch" >> beam.GroupByKey()
        return groups | "WriteStretch" >> beam.ParDo(_WriteStretch(self._files))


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


def collect_rejected(files: OutputFiles) -> dict[str, collections.Counter[str]]:
    """Moves the staged parts to their place, in order of source and line.

    Args:
        files: The output directory. Its `rejected` folder is made, even if empty.

    Returns:
        Refused rows by reason, for each of the tables that has any.
    """
    files.make_dir(REJECTED_DIR)
    counts: dict[str, collections.Counter[str]] = {}
    parts = []
    for name in files.names(_STAGED):
        rows = [json.loads(line) for line in files.lines(name)]
        parts.append((rows[0]["source"], rows[0]["line"], name))
        for row in rows:
            reasons = counts.setdefault(row["table"], collections.Counter())
            reasons[row["reason"]] += 1
    for number, (_, _, name) in enumerate(sorted(parts)):
        files.move(name, f"{REJECTED_DIR}/part-{number:05d}.jsonl")
    return counts


def check_refused(
    reasons: collections.Counter[str],
    num_legal: int,
    max_fraction: float,
    what: str,
    output_dir: str,
) -> None:
    """Compares the share of refused rows of a table with the limit.

    Args:
        reasons: Refused rows by reason.
        num_legal: Rows that were not refused.
        max_fraction: `max_rejected_fraction`, the limit.
        what: What the rows are, in words.
        output_dir: Where the refused rows are kept.

    Raises:
        RejectedRowsError: If it is above the limit.
    """
    refused = reasons.total()
    share = refused / max(refused + num_legal, 1)
    if share > max_fraction:
        counts = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common())
        raise RejectedRowsError(
            f"max_rejected_fraction allows {max_fraction:.2%} of the {what} to be "
            f"refused, got {share:.2%} ({refused} of {refused + num_legal}: {counts}). "
            f"See {output_dir}/{REJECTED_DIR}."
        )


class _WriteStretch(beam.DoFn):
    def __init__(self, files: OutputFiles) -> None:
        super().__init__()
        self._files = files

    @no_beam_hints
    def process(
        self, group: tuple[tuple[str, int], Iterable[RejectedRow]]
    ) -> Iterator[int]:
        (source, stretch), rows = group
        num_rows = write_stretch(self._files, source, stretch, rows)
        _ROWS_REFUSED.inc(num_rows)
        yield num_rows


@no_beam_hints
def _key_by_stretch(row: RejectedRow) -> tuple[tuple[str, int], RejectedRow]:
    return (row.source, row.line // _LINES_PER_PART), row


def _sort_key(row: RejectedRow) -> tuple[int, str, str, str]:
    return row.line, row.reason, row.table, row.detail
