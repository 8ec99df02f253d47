"""The step `prepare`: raw tables to a prepared data set, by Beam."""

import pathlib
from collections.abc import Sequence

from pipeline.config import Config, data_dir, dataset_spec
from pipeline.options import beam_options
from pipeline.progress import say
from transforms.dataset import prepare_dataset
from transforms.fingerprint import fingerprint
from transforms.schema import (
    SUCCESS,
    DatasetInfo,
    DatasetSpec,
    load_dataset_info,
)
from transforms.tables import check_tables


def prepared_dir(config: Config) -> pathlib.Path:
    """Names the directory of the data set, which changes with inputs and options.

    Raises:
        ValueError: If the raw data is missing or its layout is unknown.
    """
    spec = dataset_spec(config.data, data_dir())
    return _directory(config, fingerprint(spec, data_dir()))


def check(config: Config, flags: Sequence[str]) -> DatasetSpec:
    """Checks tables, columns and Beam flags without any work.

    Raises:
        ValueError: If a table, a column or a flag is not what it should be.
    """
    beam_options(flags)
    spec = dataset_spec(config.data, data_dir())
    check_tables(spec, data_dir())
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
    directory = _directory(config, digest)
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
    for what, counts in (
        ("refused", info.num_rejected),
        ("left out", info.num_dropped),
    ):
        found = ", ".join(f"{n} {reason}" for reason, n in counts.items() if n)
        lines.append(f"prepare: {what}: {found or 'nothing'}")
    return "\n".join(lines)


def open_dataset(config: Config) -> pathlib.Path:
    """Finds the prepared data set of a configuration.

    Raises:
        ValueError: If it is not there or not complete.
    """
    directory = prepared_dir(config)
    load_dataset_info(directory)
    return directory


def _directory(config: Config, digest: str) -> pathlib.Path:
    return pathlib.Path(config.prepared_dir) / config.name / digest
