"""The newest exported model of an experiment."""

import pathlib

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.run_dir import EXPORT_DIR, RunDir, runs_of
from pipeline.experiment.version_dir import SAVED_MODEL, is_version
from pipeline.training.trained import is_of


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
        if is_version(path) and is_of(config, RunDir(path.parents[2]))
    ]
    if not versions:
        raise ValueError(
            f"{runs_of(config)} holds no exported model of this configuration: run "
            "`cmml run` with the same --config and --set."
        )
    return max(versions, key=lambda path: int(path.name))
