"""The raw tables of an experiment with users as tasks."""

from __future__ import annotations

import dataclasses
import pathlib

from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.experiment.config_file import data_dir
from pipeline.settings.prepared_text import describe_counts
from pipeline.settings.user.config import UserConfig, dataset_spec
from transforms.ratings.dataset import prepare_dataset
from transforms.ratings.tables import used_tables
from transforms.reading.fingerprint import fingerprint
from transforms.reading.tables import check_tables
from transforms.schema import DatasetInfo, DatasetSpec
from transforms.splits import load_splitter


@dataclasses.dataclass(frozen=True)
class RatingSource:
    """Tables of ratings, users and items.

    Attributes:
        spec: Which tables, and how they become episodes.
    """

    spec: DatasetSpec

    def validate(self) -> None:
        """Checks tables and columns; see `Source`."""
        check_tables(used_tables(self.spec), data_dir())
        load_splitter(self.spec.split, data_dir())

    def fingerprint(self) -> str:
        """Returns what changes with inputs and options; see `Source`."""
        return fingerprint(self.spec, used_tables(self.spec), data_dir())

    def prepare(self, directory: pathlib.Path, options: PipelineOptions) -> str:
        """Writes the data set; see `Source`."""
        info = prepare_dataset(
            self.spec,
            data_dir(),
            str(directory),
            fingerprint=self.fingerprint(),
            options=options,
        )
        return _describe(info)


def rating_source(config: UserConfig) -> RatingSource:
    """Resolves the data source of an experiment to tables.

    Raises:
        ValueError: If the raw data is missing or its layout is unknown.
    """
    return RatingSource(dataset_spec(config.data, data_dir()))


def _describe(info: DatasetInfo) -> str:
    lines = [
        f"prepare: {split}: {num} tasks, {info.num_interactions.get(split, 0)} "
        "interactions"
        for split, num in info.num_tasks.items()
    ]
    lines.append(f"prepare: {info.num_users} users, {info.num_items} items")
    return "\n".join([*lines, *describe_counts(info.num_rejected, info.num_dropped)])
