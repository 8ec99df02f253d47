"""An experiment, and its steps as methods."""

import dataclasses
import os
import pathlib
import types
from collections.abc import Mapping, Sequence
from typing import Any, cast

from cmml.evaluation import Evaluation
from pipeline.experiment import quiet
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.user.config import UserConfig


@dataclasses.dataclass(frozen=True)
class Project:
    """One experiment, and all that its steps make of the tables it names.

    Each step does what the command of its name does: it skips what is up to date, goes
    on where it was killed, and tells of its progress on stderr. Raw tables lie in the
    folder `CMML_DATA_DIR` of the environment, or else in the working one.

    Attributes:
        config: The experiment, every default filled in.
    """

    config: UserConfig | ScenarioConfig

    def __repr__(self) -> str:
        config = self.config
        return f"{type(self).__name__}({config.name!r}, setting={config.setting!r})"

    def prepare(self, beam_flags: Sequence[str] = ()) -> pathlib.Path:
        """Turns the raw tables into a prepared data set.

        Args:
            beam_flags: Flags for Beam, such as "--runner=FlinkRunner".

        Returns:
            The directory of the data set.

        Raises:
            ValueError: If a table, a column or a flag is not what it should be, or too
                many rows are refused; these are kept.
        """
        quiet.import_beam()
        from pipeline.steps.prepare import prepare

        return prepare(self.config, beam_flags)

    def pretrain(self) -> pathlib.Path | None:
        """Fits the factors that training stands on.

        Returns:
            Their directory; None with ratings, where `train` fits what it needs.

        Raises:
            DataError: If the data set is not prepared, or has too few tasks.
        """
        from pipeline.steps.pretrain import pretrain

        return pretrain(self.config, self._dataset_dir())

    def train(self) -> pathlib.Path:
        """Fits CMML.

        Returns:
            The directory of the run, with checkpoints and logs.

        Raises:
            DataError: If the data set is not prepared, lacks factors, or has too few
                tasks.
        """
        dataset_dir = self._dataset_dir()
        from pipeline.steps.train import train

        return train(self.config, dataset_dir).path

    def evaluate(self) -> Evaluation:
        """Judges CMML and the baselines on tasks that none of them has seen.

        Raises:
            DataError: If the training is not finished.
        """
        dataset_dir, run = self._trained()
        from pipeline.steps.evaluate import evaluate

        evaluate(self.config, dataset_dir, run)
        return Evaluation(run.evaluation)

    def refit(self) -> pathlib.Path:
        """Fits CMML once more, to all pairs, for `export` alone.

        Returns:
            The directory of the refit.

        Raises:
            DataError: If the training is not finished.
            ValueError: If `training.refit` says that only meta-train is trained on.
        """
        dataset_dir, run = self._trained()
        from pipeline.steps import refit

        refit.validate(self.config)
        return refit.refit(self.config, dataset_dir, run).path

    def export(self) -> pathlib.Path:
        """Exports the best weights, those of a refit if there is one.

        They are checked against the trained model.

        Returns:
            The directory of the version, for `open_model` and for a model server.

        Raises:
            DataError: If the training is not finished, or no item can be recommended.
        """
        dataset_dir, run = self._trained()
        from pipeline.steps.export import export

        return export(self.config, dataset_dir, run)

    def run(self, beam_flags: Sequence[str] = ()) -> pathlib.Path:
        """Does all of the above, and prints the table of `evaluate`.

        Args:
            beam_flags: As of `prepare`.

        Returns:
            As `export`.

        Raises:
            ValueError: As the steps.
        """
        quiet.import_tensorflow()
        quiet.import_beam()
        from pipeline.steps.run import run

        return run(self.config, beam_flags)

    def _dataset_dir(self) -> pathlib.Path:
        quiet.import_beam()
        from pipeline.steps.prepare import open_dataset

        dataset_dir = open_dataset(self.config)
        quiet.import_tensorflow()
        return dataset_dir

    def _trained(self) -> tuple[pathlib.Path, RunDir]:
        from pipeline.training.trained import open_trained

        dataset_dir = self._dataset_dir()
        return dataset_dir, open_trained(self.config, dataset_dir)


def path_of(key: str, path: str | os.PathLike[str]) -> pathlib.Path:
    """Returns a path of an argument.

    Raises:
        ValueError: If it is none; it names the argument.
    """
    try:
        return pathlib.Path(path)
    except TypeError:
        raise ValueError(f"{key} must be a path, got {path!r}.") from None


def load(
    path: str | os.PathLike[str],
    changes: Mapping[str, Any] = types.MappingProxyType({}),
) -> Project:
    """Reads the YAML file of an experiment, and checks every key.

    Args:
        path: The file.
        changes: Other values by key, such as {"training.max_epochs": 5}; they win.

    Raises:
        ConfigError: If the file cannot be read, or a key is unknown or ill-typed; it
            names file, key, value and the nearest valid key.
        ValueError: If the path is none.
    """
    config = load_experiment(path_of("path", path), changes=changes)
    return Project(cast(UserConfig | ScenarioConfig, config))
