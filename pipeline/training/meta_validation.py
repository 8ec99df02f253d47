"""What a model is worth on meta-validation, as a training goes on."""

import math
import pathlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.evaluation.errors import NotFiniteError
from models.legacy_keras import tf
from models.replicas import is_chief, told_by_chief
from models.resumable_training import TrainingDivergedError, check_finite
from pipeline.settings.setting import Scorer, Setting, TrainingPlan

_START = "start.npy"


class JudgeMetaValidation(tf.keras.callbacks.Callback):
    """Judges a model on meta-validation after every epoch, for others to choose by.

    Beside the metrics it says by how much an epoch must be better than the start to be
    no better by chance, if the plan asks for it.

    Args:
        setting: The setting.
        scorer: Asks the model that is trained; where several workers train it, the
            chief alone asks, and tells the others.
        plan: What of meta-validation, and which metric chooses.
        run_dir: Where the values of the start are kept, for a training that is resumed.
    """

    def __init__(
        self,
        setting: Setting,
        scorer: Scorer,
        plan: TrainingPlan,
        run_dir: pathlib.Path,
    ) -> None:
        super().__init__()
        self._setting = setting
        self._scorer = scorer
        self._plan = plan
        self._start = run_dir / _START

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the metrics to the logs, for the callbacks after this one.

        Raises:
            TrainingDivergedError: If a weight or score is not a finite number.
        """
        assert logs is not None
        check_finite(self.model, epoch)
        logs |= self.judge(self.model, epoch + 1)

    def judge(self, model: tf.keras.Model, epoch: int) -> dict[str, float]:
        """Returns the metrics of a model after an epoch, 0 being the start.

        Raises:
            TrainingDivergedError: If a score is not a finite number.
        """
        strategy = model.distribute_strategy
        names = [metric.name for metric in self._setting.metrics]
        names.append(f"{self._plan.chosen_by.name}_margin")
        numbers = [math.nan] * len(names)
        if is_chief(strategy):
            numbers = self._numbers(names, epoch)
        numbers = told_by_chief(numbers, strategy)
        return {
            f"val_{name}": number
            for name, number in zip(names, numbers, strict=True)
            if not math.isnan(number)
        }

    def _numbers(self, names: Sequence[str], epoch: int) -> list[float]:
        """Returns the mean of each metric, and the margin; NaN if there is none."""
        try:
            pairs = self._scorer(self._plan.validation)
            by_task = self._setting.by_task(pairs)
        except NotFiniteError as error:
            raise TrainingDivergedError(f"after epoch {epoch}: {error}") from None
        columns = [by_task.get(name, np.array([math.nan])) for name in names[:-1]]
        means = [
            math.nan if np.isnan(values).all() else float(np.nanmean(values))
            for values in columns
        ]
        return [*means, self._margin(by_task[self._plan.chosen_by.name], epoch)]

    def _margin(self, values: NDArray[np.floating], epoch: int) -> float:
        """Returns what an epoch must be better by than the start, which it keeps.

        Args:
            values: float [tasks], of the metric that chooses.
            epoch: The epoch, 0 being the start.
        """
        if not epoch and self._plan.start_errors:
            np.save(self._start, values)
        if not epoch or not self._start.is_file():
            return math.nan
        differences = values - np.load(self._start)
        differences = differences[~np.isnan(differences)]
        error = differences.std() / max(len(differences) - 1, 1) ** 0.5
        return self._plan.start_errors * float(error)
