"""The step `prepare`: raw tables to a prepared data set, by Beam."""

import pathlib
from collections.abc import Sequence

from pipeline.experiment.beam_options import beam_options
from pipeline.experiment.config_file import DATA_DIR_VARIABLE, data_dir
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.prepared import directory_of, prepared_facts
from pipeline.experiment.progress import say
from pipeline.settings.registry import setting_of
from pipeline.steps.validate_data import stop_at_drift
from transforms.schema import SUCCESS


def validate(config: Experiment, flags: Sequence[str]) -> None:
    """Checks tables, columns and Beam flags without any work.

    Raises:
        ValueError: If a table, a column, a flag or a folder is not what it should be.
    """
    for name, folder in (
        (DATA_DIR_VARIABLE, data_dir()),
        ("prepared_dir", config.prepared_dir),
    ):
        if "://" in folder:
            raise ValueError(
                f"{name} must be a folder of a file system, got {folder!r}: mount the "
                "bucket here and on the workers."
            )
    beam_options(flags)
    setting_of(config).source(config).validate()


def prepare(config: Experiment, flags: Sequence[str]) -> pathlib.Path:
    """Prepares the data set, unless that has been done; waits for who is at it.

    Args:
        config: The experiment.
        flags: Flags for Beam, such as "--runner=FlinkRunner".

    Returns:
        The directory of the data set.

    Raises:
        ValueError: As `validate`.
        RejectedRowsError: If too many rows are refused; they are stored.
        DataError: If the data set lies too far from `drift.reference`.
    """
    options = beam_options(flags)
    source = setting_of(config).source(config)
    source.validate()
    directory = directory_of(config, source.fingerprint())
    if not (directory / SUCCESS).exists():
        with one_at_a_time("prepare", directory):
            if not (directory / SUCCESS).exists():
                say(f"prepare: writing {directory}")
                say(source.prepare(directory, options))
    else:
        say(f"prepare: {directory} is up to date")
    stop_at_drift(config, directory)
    return directory


def open_dataset(config: Experiment) -> pathlib.Path:
    """Finds the prepared data set of a configuration.

    Raises:
        ValueError: If it is not there or not complete.
    """
    source = setting_of(config).source(config)
    directory = directory_of(config, source.fingerprint())
    prepared_facts(directory)
    return directory
