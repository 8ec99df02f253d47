"""Raw tables to a prepared data set: what the driver does before and after Beam."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Mapping

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from transforms import schema
from transforms.ratings.catalogue import CatalogueInfo, staged_info
from transforms.ratings.dataset_pipeline import build_pipeline
from transforms.ratings.interactions import INTERACTIONS
from transforms.ratings.statistics import build_anomalies, proto_file
from transforms.reading.tables import check_tables, used_tables
from transforms.schema import DatasetInfo, DatasetSpec
from transforms.splits import load_splitter
from transforms.writing.output_files import ANOMALIES_PBTXT, OutputFiles
from transforms.writing.rejected import check_refused, collect_rejected

_logger = logging.getLogger(__name__)


def prepare_dataset(
    spec: DatasetSpec,
    data_dir: str,
    output_dir: str,
    *,
    fingerprint: str,
    options: PipelineOptions,
) -> DatasetInfo:
    """Prepares a data set from raw tables.

    Workers and driver exchange plain files, so all of them must see both folders at
    the same paths. Equal inputs give equal bytes, whatever the runner, the number of
    workers and the size of a block.

    Args:
        spec: The data set.
        data_dir: Folder of the raw tables.
        output_dir: Where it goes. An earlier data set there, whole or not, is removed.
        fingerprint: Hash of inputs and options, to be kept in `dataset.json`.
        options: Beam options.

    Returns:
        What `dataset.json` says.

    Raises:
        ValueError: If an input is missing or lacks a column.
        DataError: If the output directory holds foreign files, or no meta-train task
            is left.
        RejectedRowsError: If more interactions were refused than the specification
            allows. The refused rows, and nothing else, stay in the output directory.
    """
    check_tables(used_tables(spec), data_dir)
    splitter = load_splitter(spec.split, data_dir)
    files = OutputFiles(output_dir)
    files.clear()
    _logger.info("Preparing %s", output_dir)
    with beam.Pipeline(options=options) as root:
        build_pipeline(root, spec, splitter, data_dir, files)
    return _finish(spec, fingerprint, files)


def _finish(spec: DatasetSpec, fingerprint: str, files: OutputFiles) -> DatasetInfo:
    """Checks what the workers left, and makes a whole data set of it."""
    _logger.info("Collecting the refused rows and the counts")
    rejected = collect_rejected(files)
    info = staged_info(files)
    try:
        _check_rejected(spec, files.root, rejected.get(INTERACTIONS, Counter()), info)
        _check_meta_train(info)
    except ValueError:
        files.keep_only_rejected()
        raise
    num_rejected = sum(rejected.values(), Counter[str]())
    dataset_info = _dataset_info(spec, fingerprint, info, num_rejected)
    files.write(ANOMALIES_PBTXT, proto_file(build_anomalies(num_rejected)))
    files.write(schema.DATASET_JSON, dataset_info.to_json().encode())
    files.finish()
    _logger.info("Prepared %s tasks in %s", dict(info.num_tasks), files.root)
    return schema.load_dataset_info(files.root)


def _check_rejected(
    spec: DatasetSpec, output_dir: str, reasons: Counter[str], info: CatalogueInfo
) -> None:
    """Compares the share of refused interactions with the limit."""
    num_legal = sum(info.num_interactions.values()) + sum(
        count for reason, count in info.num_dropped.items() if reason.startswith("pair")
    )
    check_refused(
        reasons, num_legal, spec.max_rejected_fraction, "interactions", output_dir
    )


def _check_meta_train(info: CatalogueInfo) -> None:
    if not info.num_tasks[schema.META_TRAIN]:
        raise schema.DataError(
            "at least one task must be in meta-train, got none. Left out: "
            f"{dict(info.num_dropped)}. Lower episodes.query_size or "
            "episodes.min_support_size, or check the split."
        )


def _dataset_info(
    spec: DatasetSpec,
    fingerprint: str,
    info: CatalogueInfo,
    num_rejected: Mapping[str, int],
) -> DatasetInfo:
    fields = {
        field.name: getattr(info, field.name) for field in dataclasses.fields(info)
    }
    return DatasetInfo(
        fingerprint=fingerprint,
        label_min=spec.interactions.label_min,
        label_max=spec.interactions.label_max,
        num_rejected=dict(num_rejected),
        options=dataclasses.asdict(spec),
        has_item_names=spec.items.name_column is not None,
        **fields,
    )
