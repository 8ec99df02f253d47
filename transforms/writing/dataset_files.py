"""The directory of a prepared data set: filled by a setting, then made whole."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

from transforms.schema import (
    DATASET_JSON,
    META_TRAIN,
    CommonInfo,
    DataError,
    read_dataset_json,
)
from transforms.writing.output_files import ANOMALIES_PBTXT, STAGE_DIR, OutputFiles
from transforms.writing.protos import build_anomalies, proto_file
from transforms.writing.rejected import check_refused, collect_rejected

_logger = logging.getLogger(__name__)

_STAGED = f"{STAGE_DIR}/{DATASET_JSON}"

Info = TypeVar("Info", bound=CommonInfo)


@dataclasses.dataclass(frozen=True)
class DatasetKind(Generic[Info]):
    """What must be known of a setting to finish its data sets.

    Attributes:
        info_class: What `dataset.json` says.
        interactions: What its interactions are read as: the table whose refused rows
            have a limit.
        advice: What to do if no task is in meta-train, a sentence.
    """

    info_class: type[Info]
    interactions: str
    advice: str


def write_dataset(
    kind: DatasetKind[Info],
    fill: Callable[[OutputFiles], None],
    output_dir: str,
    *,
    fingerprint: str,
    max_rejected_fraction: float,
) -> Info:
    """Writes a data set that is whole in the end, or not there.

    Args:
        kind: Its setting.
        fill: Writes all files but `dataset.json`, `anomalies.pbtxt` and `_SUCCESS` into
            the directory, and calls `stage_info`.
        output_dir: Where it goes. An earlier data set there, whole or not, is removed.
        fingerprint: Hash of inputs and options, to be kept in `dataset.json`.
        max_rejected_fraction: Share of the interactions that may be refused.

    Returns:
        What `dataset.json` says.

    Raises:
        DataError: If the output directory holds foreign files, or no meta-train task
            is left.
        RejectedRowsError: If more interactions were refused. The refused rows, and
            nothing else, stay in the output directory.
    """
    files = OutputFiles(output_dir, kind.info_class.directories)
    files.clear()
    _logger.info("Preparing %s", output_dir)
    fill(files)
    _logger.info("Collecting the refused rows and the counts")
    rejected = collect_rejected(files)
    info, num_legal = _staged_info(files, kind.info_class)
    reasons = rejected.get(kind.interactions, Counter())
    try:
        check_refused(
            reasons, num_legal, max_rejected_fraction, kind.interactions, output_dir
        )
        _check_meta_train(info, kind.advice)
    except DataError:
        files.keep_only_rejected()
        raise
    num_rejected = sum(rejected.values(), Counter[str]())
    info = dataclasses.replace(
        info, fingerprint=fingerprint, num_rejected=dict(num_rejected)
    )
    files.write(ANOMALIES_PBTXT, proto_file(build_anomalies(num_rejected)))
    files.write(DATASET_JSON, info.to_json().encode())
    files.finish()
    _logger.info("Prepared %s tasks in %s", dict(info.num_tasks), output_dir)
    return kind.info_class.from_json(read_dataset_json(output_dir))


def stage_info(files: OutputFiles, info: CommonInfo, num_legal: int) -> None:
    """Leaves for `write_dataset` what was counted.

    Args:
        files: The output directory.
        info: What `dataset.json` is to say, but for fingerprint and refused rows.
        num_legal: Interactions that were not refused.
    """
    content = {"info": info.to_json(), "num_legal": num_legal}
    files.write(_STAGED, json.dumps(content).encode())


def _staged_info(files: OutputFiles, info_class: type[Info]) -> tuple[Info, int]:
    content = json.loads("\n".join(files.lines(_STAGED)))
    return info_class.from_json(content["info"]), content["num_legal"]


def _check_meta_train(info: CommonInfo, advice: str) -> None:
    if not info.num_tasks[META_TRAIN]:
        raise DataError(
            "at least one task must be in meta-train, got none. Left out: "
            f"{dict(info.num_dropped)}. {advice}"
        )
