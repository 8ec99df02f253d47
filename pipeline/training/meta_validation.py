"""What a model is worth on meta-validation, as a training goes on."""

import math
from collections.abc import Sequence

import numpy as np

from models.evaluation.errors import NotFiniteError
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.replicas import is_chief, told_by_chief
from models.resumable_training import TrainingDivergedError, check_finite
from pipeline.settings.setting import Scorer, Setting


class JudgeMetaValidation(tf.keras.callbacks.Callback):
    """Judges a model on meta-validation after every epoch, for others to choose by.

    Args:
        setting: The setting.
        scorer: Asks the model that is trained; where several workers train it, the
            chief alone asks, and tells the others.
        shown: What of meta-validation.
    """

    def __init__(self, setting: Setting, scorer: Scorer, shown: Shown) -> None:
        super().__init__()
        self._setting = setting
        self._scorer = scorer
        self._shown = shown

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
        means = [math.nan] * len(names)
        if is_chief(strategy):
            means = self._means(names, epoch)
        means = told_by_chief(means, strategy)
        return {
            f"val_{name}": mean
            for name, mean in zip(names, means, strict=True)
            if not math.isnan(mean)
        }

    def _means(self, names: Sequence[str], epoch: int) -> list[float]:
        """Returns the mean of each metric; NaN if no task has it."""
        try:
            pairs = self._scorer(self._shown)
            by_task = self._setting.by_task(pairs)
        except NotFiniteError as error:
            raise TrainingDivergedError(f"after epoch {epoch}: {error}") from None
        columns = [by_task.get(name, np.array([math.nan])) for name in names]
        return [
            math.nan if np.isnan(values).all() else float(np.nanmean(values))
            for values in columns
        ]
