"""What a training writes for TensorBoard: loss, metrics, and what goes on inside."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.cmml import CMML
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.recommender import Episode, split_episode
from pipeline.experiment.prepared import task_names
from pipeline.experiment.run_dir import RunDir
from pipeline.insight.modulation_values import Values, task_modulations
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data, Scorer, TrainingPlan
from transforms import schema

# From the modulation of tasks by name to pictures by name, uint8 [1, height, width, 4].
Draw: TypeAlias = Callable[
    [Mapping[str, Values]], Iterator[tuple[str, NDArray[np.uint8]]]
]

FOLDER = "insight"  # Within the logs of a run.

_PROFILED_BATCHES = (2, 3)  # Calls of the graph, the first being slow as it is traced.

GRADIENT_NORM, DEAD_UNITS = "gradient_norm", "dead_units"
CONTEXT_NORM = "context_norm"

_GAIN_TASKS, _GAIN_USERS = 128, 10
_SHOWN_TASKS = 2


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


def training_health(model: Any, episode: Episode) -> dict[str, float]:
    """Looks at a model by one batch, which it does not learn from.

    No dropout is drawn, so that a training goes on as if nobody had looked.

    Args:
        model: CMML of either setting, compiled.
        episode: A batch of episodes, with the labels of the query.

    Returns:
        "gradient_norm", the L2 norm of the gradient by all trained weights together;
        "dead_units", the share in [0, 1] of hidden units of the backbone that are above
        0 for no query pair; "context_norm", the mean L2 norm of the contexts.
    """
    with recorded_activations(model.backbone) as layers, tf.GradientTape() as tape:
        loss = model.compute_loss(episode, training=False)
    gradients = tape.gradient(loss, model.trainable_variables)
    support, _ = split_episode(episode)
    contexts = model.adapt(support).context
    return {
        GRADIENT_NORM: float(tf.linalg.global_norm(gradients)),
        DEAD_UNITS: dead_share(layers, episode["query_mask"]),
        CONTEXT_NORM: float(tf.reduce_mean(tf.norm(contexts, axis=1))),
    }


@contextlib.contextmanager
def recorded_activations(backbone: tf.Module) -> Iterator[list[tf.Tensor]]:
    """Keeps what the hidden layers of a backbone put out meanwhile.

    Args:
        backbone: Any backbone of the family.

    Yields:
        A list that each activated layer, or module of a layer, is added to: float32
        [B, Q, units].
    """
    holder: Any = getattr(backbone, "hidden", backbone)
    activate = holder.activate
    layers: list[tf.Tensor] = []

    def record(layer: tf.Tensor) -> tf.Tensor:
        layers.append(activate(layer))
        return layers[-1]

    holder.activate = record
    try:
        yield layers
    finally:
        holder.activate = activate


def dead_share(layers: list[tf.Tensor], mask: tf.Tensor) -> float:
    """Returns the share of units that are above 0 nowhere.

    Args:
        layers: float32 [B, Q, units] each.
        mask: bool [B, Q], False for padding, which does not count.
    """
    present = mask.numpy()
    dead = [~(layer.numpy()[present] > 0.0).any(axis=0) for layer in layers]
    return float(np.concatenate(dead).mean())


class Probe:
    """Looks at a CMML by the first tasks of meta-validation.

    Args:
        config: The experiment.
        data: The data set.
        scorer: Asks the model that is looked at.
        plan: What the training goes through.

    Attributes:
        episode: A batch with the labels of the query, whose health is looked at.
    """

    def __init__(
        self, config: Any, data: Data, scorer: Scorer, plan: TrainingPlan
    ) -> None:
        self._setting = setting_of(config)
        self._config = config
        self._data = data
        self._scorer = scorer
        self._shown = dataclasses.replace(
            plan.validation, max_tasks=_GAIN_TASKS, max_users=_GAIN_USERS
        )
        self._has_others = data.info.num_tasks[schema.META_VALIDATION] > 1
        self.episode: Episode = plan.probe()

    def adaptation_gain(self) -> dict[str, float]:
        """Returns how much better a model is with the own support set than without.

        Returns:
            "over_empty", the first metric of the setting with the own support set,
            against that without any; "over_other", against that with the support set
            of another task, if there is one. Above 0 is better, in the unit of the
            metric.
        """
        own = self._mean(self._shown)
        gain = {"over_empty": own - self._mean(self._shown.few(0))}
        if self._has_others:
            gain["over_other"] = own - self._mean(self._shown.with_other_support())
        return gain

    def modulations(self, model: CMML) -> Mapping[str, Values]:
        """Returns what the contexts of two tasks change, by name of the task."""
        parts = self._setting.parts
        if parts.episodes is None:
            return {}
        names = task_names(self._data.directory, self._config.task_word)
        batches = parts.episodes(self._config, self._data, schema.META_VALIDATION)
        tasks = itertools.islice(task_modulations(model, batches), _SHOWN_TASKS)
        return {names.get(task_id, task_id): values for task_id, values in tasks}

    def _mean(self, shown: Shown) -> float:
        """Returns the mean of the metric over tasks, higher better."""
        metric = self._setting.metrics[0]
        pairs = self._scorer(shown)
        by_task = self._setting.by_task(pairs, names=[metric.name])
        return metric.direction * float(np.nanmean(by_task[metric.name]))
