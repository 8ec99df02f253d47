"""The trainings of a search: the step `train`, each in a process of its own."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from pipeline.experiment import quiet
from pipeline.experiment.config_file import with_changes
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.refused_writes import refused_write
from transforms.schema import DataError
from tuning.own_process import ProcessKilledError, run_in_own_process
from tuning.trial_result import Training, TrainingFailedError


@dataclasses.dataclass(frozen=True)
class StepTrainer:
    """Trains as `cmml train` does, with its run in the folder of the trial.

    A training that was killed goes on after its last epoch; a finished one is known by
    its lineage.

    Attributes:
        config: The experiment.
        dataset_dir: The prepared data set.
        metric: What the best epoch is chosen by, such as "val_mae".
    """

    config: Experiment
    dataset_dir: pathlib.Path
    metric: str

    def __call__(
        self, values: Mapping[str, Any], seed: int, folder: pathlib.Path
    ) -> Training:
        """Trains, unless that has been done.

        Raises:
            TrainingFailedError: If it diverged, ran out of memory, or was refused by
                the model.
            DataError: If the data set is at fault, which is that of all trials.
            OSError: If files cannot be written, which is no fault of the trial.
            RemoteError: If there is a bug.
        """
        name = f"seed-{seed}"
        run = {"runs_dir": str(folder), "name": name, "training.seed": seed}
        config = with_changes(self.config, {**values, **run})
        try:
            facts: dict[str, Any] = run_in_own_process(
                train_once,
                config,
                self.dataset_dir,
                log=folder / f"{name}.log",
                foreseen=(TrainingFailedError, DataError, OSError),
            )
        except ProcessKilledError as error:
            raise TrainingFailedError(f"training with seed {seed}: {error}") from None
        return Training(
            facts[f"best_{self.metric}"], facts["best_epoch"], facts["num_parameters"]
        )


def train_once(config: Experiment, dataset_dir: pathlib.Path) -> dict[str, Any]:
    """Trains in this process.

    Returns:
        What the lineage of the run says of the training.

    Raises:
        TrainingFailedError: If these values let it break off.
        DataError: If the data set is at fault.
        OSError: If files cannot be written.
    """
    quiet.quieten()
    quiet.import_tensorflow()
    from models.legacy_keras import tf
    from models.resumable_training import TrainingDivergedError
    from pipeline.steps.train import train
    from pipeline.training.trained import STEP

    try:
        run = train(config, dataset_dir)
    except (TrainingDivergedError, MemoryError, tf.errors.OpError) as error:
        if refusal := refused_write(error):
            raise refusal from None
        raise TrainingFailedError(_reason(error)) from None
    except DataError:
        raise
    except ValueError as error:  # Of a model that cannot be so.
        raise TrainingFailedError(_reason(error)) from None
    facts: dict[str, Any] = run.facts(STEP)
    return facts


def _reason(error: BaseException) -> str:
    """Returns the first line of a message, or the name of an error without one."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
