"""A new version of an exported model, checked before it can be seen."""

import contextlib
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Iterator

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.experiment.version_dir import is_whole, read_manifest, versions_in
from pipeline.export.export_of_config import version_with

STEP = "export"


class ExportError(RuntimeError):
    """An exported model that does not do what the trained one does."""


def publish(
    config: Experiment,
    run: RunDir,
    fingerprint: str,
    build: Callable[[pathlib.Path, int], float],
) -> pathlib.Path:
    """Exports the model of a run as a new version, unless that has been done.

    Another export of the run is waited for. The version is written beside its place,
    compared with the trained model, and renamed in one step. One that is there and
    damaged stays, and a new one is made.

    Args:
        config: The experiment.
        run: The run of a finished training.
        fingerprint: Of all that the export depends on.
        build: Writes everything of a version to a folder, checks it, and returns the
            largest difference of its scores to those of the trained model.

    Returns:
        The directory of the version, `<run>/export/<model_name>/<version>`.

    Raises:
        ExportError: As `build` raises it; nothing is then to be seen.
    """
    base = run.export / config.export.model_name
    base.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(STEP, base):
        done = version_with(base, fingerprint)
        if done is not None and is_whole(done):
            _record(run, fingerprint, done)
            say(f"export: {done} is up to date")
            return done
        number = _new_number(base)
        target = base / str(number)
        with staged(target) as staging:
            difference = build(staging, number)
        _record(run, fingerprint, target)
    say(f"export: wrote {target}, scores agree within {difference:.1e}")
    return target


@contextlib.contextmanager
def staged(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder its name when all of it is written, and not if writing fails.

    What killed ones have left beside it is removed: there is one writer at a time.

    Args:
        target: The folder.

    Yields:
        Where to write meanwhile.
    """
    for leftover in target.parent.glob(".staging-*"):
        shutil.rmtree(leftover)
    staging = target.with_name(f".staging-{target.name}")
    staging.mkdir()
    try:
        yield staging
        os.replace(staging, target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _record(run: RunDir, fingerprint: str, version: pathlib.Path) -> None:
    """Notes that the run has been exported, unless that is on record."""
    if not run.is_done(STEP, fingerprint):
        difference = read_manifest(version)["largest_difference"]
        run.record(
            STEP, fingerprint, version=version.name, largest_difference=difference
        )


def _new_number(base: pathlib.Path) -> int:
    """Returns the time in seconds, or more if a version has that number or a higher."""
    later = [int(version.name) + 1 for version in versions_in(base)]
    return max([int(time.time()), *later])


def validated_difference(
    difference: float, tolerance: float, directory: pathlib.Path
) -> float:
    """Returns the largest difference of scores, if it is small enough.

    Raises:
        ExportError: If it is not, or is not a number.
    """
    if not difference <= tolerance:
        raise ExportError(
            f"scores of {directory} must agree with the trained model within "
            f"{tolerance:g}, got a difference of {difference}."
        )
    return difference
