"""The step `prepare`: raw tables to a prepared data set, by Beam."""

import pathlib
from collections.abc import Mapping, Sequence

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.options import beam_options
from pipeline.experiment.progress import say
from pipeline.settings.user.config import Config, dataset_spec
from pipeline.experiment.config_file import data_dir
from transforms.fingerprint import fingerprint
from transforms.ratings.dataset import prepare_dataset
from transforms.reading.tables import check_tables, used_tables
from transforms.schema import SUCCESS, DatasetInfo, DatasetSpec, load_dataset_info
from transforms.splits import load_splitter


def prepared_dir(config: Config) -> pathlib.Path:
    """Names the directory of the data set, which changes with inputs and options.

    Raises:
        ValueError: If the raw data is missing or its layout is unknown.
    """
    spec = dataset_spec(config.data, data_dir())
    return directory_of(config, fingerprint(spec, data_dir()))


def check(config: Config, flags: Sequence[str]) -> DatasetSpec:
    """Checks tables, columns and Beam flags without any work.

    Raises:
        ValueError: If a table, a column or a flag is not what it should be.
    """
    beam_options(flags)
    spec = dataset_spec(config.data, data_dir())
    check_tables(used_tables(spec), data_dir())
    load_splitter(spec.split, data_dir())
    return spec


def prepare(config: Config, flags: Sequence[str]) -> pathlib.Path:
    """Prepares the data set, unless that has been done.

    Args:
        config: The experiment.
        flags: Flags for Beam, such as "--runner=FlinkRunner".

    Returns:
        The directory of the data set.

    Raises:
        ValueError: As `check`.
        RejectedRowsError: If too many rows are refused; they are kept.
    """
    spec = check(config, flags)
    digest = fingerprint(spec, data_dir())
    directory = directory_of(config, digest)
    if (directory / SUCCESS).exists():
        say(f"prepare: {directory} is up to date")
        return directory
    say(f"prepare: writing {directory}")
    info = prepare_dataset(
        spec,
        data_dir(),
        str(directory),
        fingerprint=digest,
        options=beam_options(flags),
    )
    say(describe(info))
    return directory


def describe(info: DatasetInfo) -> str:
    """Says in a few lines what a prepared data set holds."""
    lines = [
        f"prepare: {split}: {num} tasks, {info.num_interactions.get(split, 0)} "
        "interactions"
        for split, num in info.num_tasks.items()
    ]
    lines.append(f"prepare: {info.num_users} users, {info.num_items} items")
    return "\n".join([*lines, *describe_counts(info.num_rejected, info.num_dropped)])


def describe_counts(
    num_rejected: Mapping[str, int], num_dropped: Mapping[str, int]
) -> list[str]:
    """Says in two lines what was refused and what was left out, and why."""
    lines = []
    for what, counts in (("refused", num_rejected), ("left out", num_dropped)):
        found = ", ".join(f"{n} {reason}" for reason, n in counts.items() if n)
        lines.append(f"prepare: {what}: {found or 'nothing'}")
    return lines


def open_dataset(config: Config) -> pathlib.Path:
    """Finds the prepared data set of a configuration.

    Raises:
        ValueError: If it is not there or not complete.
    """
    directory = prepared_dir(config)
    load_dataset_info(directory)
    return directory


def directory_of(config: Experiment, digest: str) -> pathlib.Path:
    """Names the directory of the data set with a fingerprint."""
    return pathlib.Path(config.prepared_dir) / config.name / digest
