"""The newest exported model of an experiment."""

import pathlib

from pipeline.experiment.config_file import ConfigError
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.run_dir import EXPORT_DIR, RESOLVED_CONFIG, runs_of
from pipeline.experiment.version_dir import SAVED_MODEL, is_version
from pipeline.settings.registry import load_experiment


def newest_export(config: Experiment) -> pathlib.Path:
    """Finds the model that was exported last with this configuration.

    The raw and prepared data need not be there any more.

    Raises:
        ValueError: If there is none.
    """
    pattern = f"*/{EXPORT_DIR}/{config.export.model_name}/*/{SAVED_MODEL}"
    versions = [path.parent for path in runs_of(config).glob(pattern)]
    versions = [
        path
        for path in versions
        if is_version(path) and _is_of(config, path.parents[2])
    ]
    if not versions:
        raise ValueError(
            f"{runs_of(config)} holds no exported model of this configuration: run "
            "`cmml run` with the same --config and --set."
        )
    return max(versions, key=lambda path: int(path.name))


def _is_of(config: Experiment, run_path: pathlib.Path) -> bool:
    """Whether the model of a run is that of a configuration."""
    try:
        other = load_experiment(run_path / RESOLVED_CONFIG)
    except ConfigError:  # Of an earlier version, which knew other keys.
        return False
    same_data = other.data_section == config.data_section
    return same_data and other.weight_sections == config.weight_sections
