"""The export of a configuration: what `export` makes of it, and what others take."""

import contextlib
import pathlib
from collections.abc import Iterable
from typing import Any

from pipeline.experiment.config_file import hash_of
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.run_dir import RunDir, runs_of, training_fingerprint
from pipeline.experiment.version_dir import SAVED_MODEL, read_manifest, versions_in
from pipeline.training.trained import STEP, finished_refit, is_of
from transforms.schema import META_TRAIN


def export_fingerprint(
    config: Experiment, dataset_fingerprint: str, refit: RunDir | None
) -> str:
    """Hashes everything that decides an exported version.

    Args:
        config: The experiment.
        dataset_fingerprint: Of the prepared data set.
        refit: The finished refit whose weights are exported; None for the training.
    """
    trained = training_fingerprint(config, dataset_fingerprint)
    return hash_of(trained, config.export, trained_on(refit))


def trained_on(refit: RunDir | None) -> str:
    """Returns what a manifest says that the weights are trained on."""
    return META_TRAIN if refit is None else "all"


def export_of_run(config: Experiment, run: RunDir) -> pathlib.Path | None:
    """Finds the version that `export` says is up to date.

    Args:
        config: The experiment.
        run: A run of it.

    Returns:
        None if `export` would make a new one.
    """
    digest = run.facts(STEP).get("dataset")
    if digest is None:
        return None
    refit = finished_refit(config, digest, run)
    base = run.export / config.export.model_name
    return version_with(base, export_fingerprint(config, digest, refit))


def export_of_config(config: Experiment) -> pathlib.Path:
    """Finds the version that `run` and `export` name for a configuration.

    The raw and prepared data need not be there any more. Of several data sets, the
    version that was exported last counts.

    Raises:
        ValueError: If there is none; it names the keys in which the newest of the same
            training differs.
    """
    runs = [RunDir(path) for path in runs_of(config).glob("*/")]
    runs = [run for run in runs if is_of(config, run)]
    wanted = [path for run in runs if (path := export_of_run(config, run))]
    if wanted:
        return _newest(wanted)
    others = [path for run in runs for path in _versions(config, run)]
    if others:
        raise ValueError(
            "no export has the keys of this configuration: "
            f"{_described(config, others)}. "
            "Run `cmml export` with the same --config and --set."
        )
    raise ValueError(
        f"{runs_of(config)} holds no exported model of this configuration: run "
        "`cmml run` with the same --config and --set."
    )


def version_with(base: pathlib.Path, fingerprint: str) -> pathlib.Path | None:
    """Finds the newest version in a folder by what it says of itself.

    An export may have been killed when its version was there and not yet on record.
    """
    for version in reversed(versions_in(base)):
        with contextlib.suppress(OSError, ValueError, KeyError):  # Another's, damaged.
            if read_manifest(version)["fingerprint"] == fingerprint:
                return version
    return None


def _versions(config: Experiment, run: RunDir) -> list[pathlib.Path]:
    versions = versions_in(run.export / config.export.model_name)
    return [version for version in versions if (version / SAVED_MODEL).is_file()]


def _newest(versions: Iterable[pathlib.Path]) -> pathlib.Path:
    return max(versions, key=lambda path: int(path.name))


def _described(config: Experiment, others: Iterable[pathlib.Path]) -> str:
    """Tells how the newest of other exports differs from what is wanted."""
    newest = _newest(others)
    there: dict[str, Any] = read_manifest(newest).get("export", {})
    wanted = config.export.model_dump(mode="json")
    differences = [
        f"export.{key} {there[key]} (here {value})"
        for key, value in wanted.items()
        if key in there and there[key] != value
    ]
    how = ", ".join(differences) or "other weights or keys"
    return f"the newest, {newest}, has {how}"
