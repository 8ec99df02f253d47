"""The directory of a prepared data set: filled by a setting, then made whole."""

import contextlib
import dataclasses
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from transforms.left_out import describe_left_out
from transforms.row_counts import RowCounts
from transforms.schema import (
    DATASET_JSON,
    META_TRAIN,
    CommonInfo,
    DataError,
    read_dataset_json,
)
from transforms.specs import CommonSpec
from transforms.splits import about_times
from transforms.writing.counts import check_features, check_joins, whole_counts
from transforms.writing.output_files import ANOMALIES_PBTXT, STAGE_DIR, OutputFiles
from transforms.writing.rejected import check_refused, collect_rejected
from transforms.writing.statistics import build_anomalies, proto_file

_logger = logging.getLogger(__name__)

_STAGED = f"{STAGE_DIR}/{DATASET_JSON}"

Info = TypeVar("Info", bound=CommonInfo)


@dataclasses.dataclass(frozen=True)
class DatasetKind(Generic[Info]):
    """What must be known of a setting to finish its data sets.

    Attributes:
        info_class: What `dataset.json` says.
        advice: Says what to do if no task is in meta-train, given the directory as it
            has been filled, and last to check `data.split`.
    """

    info_class: type[Info]
    advice: Callable[[OutputFiles], str]


def write_dataset(
    kind: DatasetKind[Info],
    fill: Callable[[OutputFiles], None],
    output_dir: str,
    *,
    fingerprint: str,
    spec: CommonSpec,
) -> Info:
    """Writes a data set that is whole in the end, or not there.

    Args:
        kind: Its setting.
        fill: Writes all files but `dataset.json`, `anomalies.pbtxt` and `_SUCCESS` into
            the directory, and calls `stage_info`.
        output_dir: Where it goes. An earlier data set there, whole or not, is removed.
        fingerprint: Hash of inputs and options, to be kept in `dataset.json`.
        spec: Limits of what may be refused, and of ids that find nothing.

    Returns:
        What `dataset.json` says.

    Raises:
        DataError: If the output directory holds foreign files, a table has no rows, a
            feature no value that can be read, or no meta-train task is left.
        RejectedRowsError: If more rows of a table were refused. The refused rows, if
            there are any, and nothing else, stay in the output directory, as after the
            other errors of data.
        JoinError: If more ids are not in the table that says more of them.
    """
    files = OutputFiles(output_dir, kind.info_class.directories)
    files.clear()
    _logger.info("Preparing %s", output_dir)
    try:
        fill(files)
        return _finish(kind, files, fingerprint, spec)
    except DataError:
        files.keep_only_rejected()
        raise
    except BaseException:  # Such as a full disk, which half a data set leaves full.
        with contextlib.suppress(OSError):
            files.clear()
        raise


def _finish(
    kind: DatasetKind[Info], files: OutputFiles, fingerprint: str, spec: CommonSpec
) -> Info:
    """Makes a data set of the files that have been filled."""
    _logger.info("Collecting the refused rows and the counts")
    rejected = collect_rejected(files)
    info, later = _staged_info(files, kind.info_class)
    tables = whole_counts(files, later)
    check_refused(tables, rejected.first, spec, files.root)
    check_features(tables)
    check_joins(info.joins, spec)
    num_rejected = rejected.reasons
    info = dataclasses.replace(
        info,
        fingerprint=fingerprint,
        num_rejected=dict(num_rejected),
        num_dropped=_all_left_out(info, tables),
        tables=tables,
    )
    if not info.num_tasks[META_TRAIN]:
        times = about_times(spec.split, tables)
        raise DataError(_no_meta_train(info) + kind.advice(files) + times)
    files.write(ANOMALIES_PBTXT, proto_file(build_anomalies(num_rejected)))
    info = dataclasses.replace(info, files=files.written())
    files.write(DATASET_JSON, info.to_json().encode())
    files.finish()
    _logger.info("Prepared %s tasks in %s", dict(info.num_tasks), files.root)
    return kind.info_class.from_json(read_dataset_json(files.path("")))


def stage_info(
    files: OutputFiles, info: CommonInfo, counts: Mapping[str, RowCounts]
) -> None:
    """Leaves for `write_dataset` what was counted.

    Args:
        files: The output directory.
        info: What `dataset.json` is to say, but for fingerprint and rows.
        counts: What became of the rows of each table that its parser took.
    """
    by_table = {table: count.to_fields() for table, count in counts.items()}
    content = {"info": info.to_json(), "counts": by_table}
    files.write(_STAGED, json.dumps(content).encode())


def _staged_info(
    files: OutputFiles, info_class: type[Info]
) -> tuple[Info, dict[str, RowCounts]]:
    content = json.loads("\n".join(files.lines(_STAGED)))
    counts = content["counts"].items()
    return info_class.from_json(content["info"]), {
        table: RowCounts.from_fields(count) for table, count in counts
    }


def _all_left_out(info: CommonInfo, tables: Mapping[str, RowCounts]) -> dict[str, int]:
    """Returns what was left out by reason, that of the parsers included."""
    counts: Counter[str] = Counter()
    for table in tables.values():
        counts.update(table.left_out)
    counts.update({r: n for r, n in info.num_dropped.items() if r not in counts})
    return dict(sorted((+counts).items()))


def _no_meta_train(info: CommonInfo) -> str:
    left_out = ", ".join(describe_left_out(info.num_dropped))
    return (
        "at least one task must be in meta-train, got none. Left out: "
        f"{left_out or 'nothing'}. "
    )
