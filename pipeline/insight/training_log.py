"""What a training writes for TensorBoard: loss, metrics, and what goes on inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir
from pipeline.insight.modulation_values import Values
from pipeline.insight.probe import Probe
from pipeline.insight.training_health import training_health
from pipeline.settings.setting import Data, Scorer, TrainingPlan

# From the modulation of tasks by name to pictures by name, uint8 [1, height, width, 4].
Draw: TypeAlias = Callable[
    [Mapping[str, Values]], Iterator[tuple[str, NDArray[np.uint8]]]
]

FOLDER = "insight"  # Within the logs of a run.

_PROFILED_BATCHES = (2, 3)  # Calls of the graph, the first being slow as it is traced.


def look_inside(
    config: Any,
    data: Data,
    draw: Draw,
    run: RunDir,
    scorer: Scorer,
    plan: TrainingPlan,
) -> list[tf.keras.callbacks.Callback]:
    """Returns the callbacks of a training of CMML that write for TensorBoard.

    Args:
        config: The experiment; `tensorboard` says what is written beside loss and
            metrics.
        data: The data set.
        draw: Draws what contexts change.
        run: The run, in whose logs they write.
        scorer: Asks the model that is trained.
        plan: What the training goes through.
    """
    options = config.tensorboard
    callbacks: list[tf.keras.callbacks.Callback] = [
        tf.keras.callbacks.TensorBoard(
            str(run.logs),
            write_graph=False,
            profile_batch=_PROFILED_BATCHES if options.profile else 0,
        )
    ]
    if options.insight_every:
        probe = Probe(config, data, scorer, plan)
        callbacks.append(
            InsightLog(run, probe, draw, options.insight_every, plan.num_tasks)
        )
    return callbacks


class InsightLog(tf.keras.callbacks.Callback):
    """Writes health, adaptation gain and pictures of modulation, and the speed.

    Args:
        run: The run; `insight/` in its logs is written.
        probe: What the model is looked at with.
        draw: Draws what contexts change.
        every: Epochs from one look to the next, beginning with the first. The speed is
            written after each.
        num_episodes: Episodes of an epoch.
    """

    def __init__(
        self, run: RunDir, probe: Probe, draw: Draw, every: int, num_episodes: int
    ) -> None:
        super().__init__()
        self._writer = tf.summary.create_file_writer(str(run.logs / FOLDER))
        self._probe = probe
        self._draw = draw
        self._every = every
        self._num_episodes = num_episodes
        self._started = self._ended = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._started = time.monotonic()

    def on_train_batch_end(
        self, batch: int, logs: Mapping[str, Any] | None = None
    ) -> None:
        """Looks at the clock, before validation begins."""
        self._ended = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Writes; the step is the number of epochs before this one, as in Keras."""
        with self._writer.as_default(step=epoch):
            speed = self._num_episodes / (self._ended - self._started)
            tf.summary.scalar("speed/episodes_per_s", speed)
            if epoch % self._every == 0:
                self._look()
        self._writer.flush()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Closes the file."""
        self._writer.close()

    def _look(self) -> None:
        model = self.model
        for name, value in training_health(model, self._probe.episode).items():
            tf.summary.scalar(f"health/{name}", value)
        for name, value in self._probe.adaptation_gain().items():
            tf.summary.scalar(f"adaptation_gain/{name}", value)
        if modulations := self._probe.modulations(model):
            for name, picture in self._draw(modulations):
                tf.summary.image(name, picture)
