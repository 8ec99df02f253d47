"""The step `prepare`: raw tables to a prepared data set, by Beam."""

import contextlib
import pathlib
from collections.abc import Sequence

from apache_beam.io.filesystems import FileSystems

from pipeline.experiment.beam_options import beam_options
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.prepared import directory_of, prepared_facts
from pipeline.experiment.progress import say
from pipeline.steps.validate_data import stop_at_drift
from pipeline.training.trained import trained_on
from transforms.paths import path_of
from transforms.schema import SUCCESS, DataError
from transforms.url_path import is_url


def validate(config: Experiment, flags: Sequence[str]) -> None:
    """Checks tables, columns and Beam flags without any work.

    Raises:
        ValueError: If a table, a column, a flag or a folder is not what it should be.
    """
    FileSystems.set_options(beam_options(flags))
    if is_url(config.prepared_dir) and config.drift.reference is not None:
        raise ValueError(
            "drift.reference needs a prepared_dir of a file system, got "
            f"{config.prepared_dir!r}: copy the data set and run `cmml validate-data`."
        )
    path_of(config.prepared_dir)
    config.source().validate()


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
    FileSystems.set_options(options)
    source = config.source()
    source.validate()
    directory = directory_of(config, source.fingerprint())
    if not (directory / SUCCESS).exists():
        with _alone(directory):
            if not (directory / SUCCESS).exists():
                say(f"prepare: writing {directory}")
                say(source.prepare(directory, options))
    else:
        say(f"prepare: {directory} is up to date")
    stop_at_drift(config, directory)
    return directory


def check_local(config: Experiment) -> None:
    """Refuses a data set in a bucket, which only `prepare` writes to.

    Raises:
        DataError: If `prepared_dir` is a URL.
    """
    if is_url(config.prepared_dir):
        raise DataError(
            "prepared_dir must be a folder of a file system for all but `cmml "
            f"prepare`, got {config.prepared_dir!r}: copy it here and set prepared_dir "
            "to the copy."
        )


def _alone(directory: pathlib.Path) -> contextlib.AbstractContextManager[None]:
    """Keeps others from writing a data set; in a bucket, which has no locks, nobody."""
    if is_url(str(directory)):
        return contextlib.nullcontext()
    return one_at_a_time("prepare", directory)


def open_dataset(config: Experiment) -> pathlib.Path:
    """Finds the prepared data set of a configuration.

    Where the raw tables are not there, it is the one that was last trained on.

    Raises:
        DataError: If it is not there or not complete, or in a bucket.
        ValueError: If the raw tables are not there, and nothing was trained.
    """
    check_local(config)
    try:
        fingerprint = config.source().fingerprint()
    except ValueError as error:
        if (directory := trained_on(config)) is None:
            raise
        say(f"taking {directory}, which was trained on, for want of tables: {error}")
        return directory
    directory = directory_of(config, fingerprint)
    if not directory.exists() and (earlier := trained_on(config)) is not None:
        raise DataError(
            f"{directory} is not there: raw tables, or the version of cmml, are not "
            f"those of {earlier}, which was trained on last: bring them back, or go on "
            "with `cmml run`."
        )
    prepared_facts(directory)
    return directory
