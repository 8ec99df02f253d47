"""What became of the rows of each table: counted by workers, checked by the driver."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.joins import SPLIT_FILE, Join
from transforms.row_counts import RowCounts, merge_counts
from transforms.schema import DataError
from transforms.specs import CommonSpec
from transforms.stable_hash import stable_digest
from transforms.writing.output_files import STAGE_DIR, OutputFiles

_STAGED = f"{STAGE_DIR}/counts"


class JoinError(DataError):
    """Ids of two tables that do not find each other as often as they must."""


class FeatureError(DataError):
    """A feature without a single value that can be read."""


@beam.ptransform_fn
def write_counts(counts: beam.PCollection, files: OutputFiles) -> beam.PCollection:
    """Leaves for the driver what became of the rows of each table, a file each.

    Input: (name of the table, `RowCounts`).
    Output: nothing of use.

    Args:
        counts: The input.
        files: The output directory.
    """
    sums = counts | "SumCounts" >> beam.CombinePerKey(_merged)
    return sums | "WriteCounts" >> beam.MapTuple(
        lambda table, count: _write(files, table, count)
    )


def staged_counts(files: OutputFiles) -> dict[str, RowCounts]:
    """Returns what `write_counts` has left, by table."""
    counts = {}
    for name in files.names(_STAGED):
        content = json.loads("".join(files.lines(name)))
        counts[content["table"]] = RowCounts.from_fields(content["counts"])
    return counts


def whole_counts(
    files: OutputFiles, later: Mapping[str, RowCounts]
) -> dict[str, RowCounts]:
    """Returns what became of the rows of each table, which add up.

    Args:
        files: The output directory.
        later: What became of the rows that the parsers took, of every table.

    Raises:
        DataError: If a table has no rows.
        RuntimeError: If rows are lost, which is a bug.
    """
    counts = merge_counts(staged_counts(files), later)
    for table, count in sorted(counts.items()):
        if not count.read:
            raise DataError(f"{table} must have rows, got none.")
        count.check_sum(table)
    return dict(sorted(counts.items()))


def check_features(counts: Mapping[str, RowCounts]) -> None:
    """Refuses features whose values cannot be read at all.

    Raises:
        FeatureError: If there is one.
    """
    for table, count in counts.items():
        for feature, number in count.unreadable.items():
            if not count.readable[feature]:
                example = count.examples.get(feature)
                such = f", such as {example}" if example else ""
                raise FeatureError(
                    f"feature {feature!r} of {table} must have a value that can be "
                    f"read, but {number} of {count.read} rows have one that cannot"
                    f"{such}, and no other: check its column and `kind`; of items "
                    "`drop_pattern` removes signs."
                )


def check_joins(joins: Iterable[Join], spec: CommonSpec) -> None:
    """Compares the shares of rows whose id is not found with the limits.

    Raises:
        JoinError: If one is above its limit.
    """
    for join in joins:
        if join.may_differ:
            continue
        if join.unmatched_fraction > spec.max_unmatched_fraction:
            limit = (
                f"data.max_unmatched_fraction allows {spec.max_unmatched_fraction:.2%}"
            )
        elif join.alike_fraction > spec.max_rejected_fraction:
            limit = (
                f"data.max_rejected_fraction allows "
                f"{spec.max_rejected_fraction:.2%} to "
                "differ in form only"
            )
        elif join.left == SPLIT_FILE and not join.num_both:
            limit = "at least one must"
        else:
            continue
        left, rows, cure = join.left, "rows", "Check the columns of the ids"
        if left == SPLIT_FILE:
            left, rows = f"the split file {spec.split.path!r} (data.{left})", "names"
            cure = "Name them as they are there"
        if join.num_both or join.left != SPLIT_FILE:
            cure += ", or raise data.max_unmatched_fraction"
        if join.num_rows_alike:
            cure = (
                "Write them alike, or set data.normalize_ids: true, which changes the "
                "ids of answers too"
            )
        elif join.cause:
            cure = "Write them alike"
        must, got = _demand(join)
        raise JoinError(
            f"{join.ids} of {left} must {must}: {limit}, got "
            f"{join.unmatched_fraction:.2%} of the {rows} {got}). {join.explain()}. "
            f"{cure}."
        )


def _demand(join: Join) -> tuple[str, str]:
    """Returns what the ids of a join must be, and what they are."""
    rows = f"({join.num_rows_unmatched} of {join.num_rows}"
    if join.is_within:
        return "have one form each", f"in another one {rows}"
    return f"be in {join.right}", (
        f"without a match {rows}; {join.num_both} of {join.num_left} ids are in both, "
        f"{join.right} has {join.num_right}"
    )


def _merged(counts: Iterable[RowCounts]) -> RowCounts:
    merged = RowCounts()
    for one in counts:
        merged.merge(one)
    return merged


def _write(files: OutputFiles, table: str, counts: RowCounts) -> None:
    content = {"table": table, "counts": counts.to_fields()}
    name = f"{_STAGED}/{stable_digest(0, table).hex()}.json"
    files.write(name, json.dumps(content).encode())


def count_dropped(num_dropped: Mapping[str, int]) -> None:
    """Adds to the counter `dropped_<reason>` of each reason.

    Args:
        num_dropped: How much was left out, by reason.
    """
    for reason, count in num_dropped.items():
        if count:
            Metrics.counter("cmml", f"dropped_{reason}").inc(count)
