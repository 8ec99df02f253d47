"""A model fitted to episodes, going on where a killed training was."""

import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.evaluation.metric import NotFiniteError
from models.lazy_adam import LazyAdam
from models.legacy_keras import tf
from models.replicas import distributed, is_chief, told_by_chief
from models.resumable_training import (
    ResumableTraining,
    TrainingDivergedError,
    check_finite,
)
from pipeline.experiment.progress import progress_bar, say
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data, Scorer, Setting, TrainingPlan
from pipeline.training.divergence import StopDivergence
from transforms.plural import counted
from transforms.schema import META_VALIDATION

# Makes callbacks that look at a training.
Watch: TypeAlias = Callable[
    [RunDir, Scorer, TrainingPlan], Sequence[tf.keras.callbacks.Callback]
]

_START = "start.npy"


def fit(
    model: tf.keras.Model,
    config: Any,
    data: Data,
    run: RunDir,
    *,
    watch: Watch = lambda run, scorer, plan: (),
) -> dict[str, Any]:
    """Trains a model on meta-train, or goes on where a killed training was.

    What is useful before it is trained is judged then, too: epoch 0 may be the best.

    Args:
        model: CMML or a learned baseline, its weights fresh.
        config: The experiment.
        data: The data set.
        run: Where weights and metrics are written.
        watch: What looks at it, if there is one replica.

    Returns:
        Facts about the training; of several workers, for the chief alone.

    Raises:
        TrainingDivergedError: If it comes to what is no finite number.
    """
    setting, options = setting_of(config), config.training
    plan = setting.training(config, data)
    scorer = setting.scorer(model, config, data)
    prepare_fit(model, options, plan.steps_per_epoch)
    training = ResumableTraining(
        run.path,
        monitor=f"val_{plan.chosen_by.name}",
        maximise=plan.chosen_by.higher_is_better,
        patience=options.patience,
        num_tasks=plan.num_tasks,
        writes=is_chief(model.distribute_strategy),
    )
    _restore(model, training, run)
    judge = JudgeMetaValidation(setting, scorer, plan, run.path)
    if training.is_new and model.starts_useful:
        tasks = counted(data.info.num_tasks[META_VALIDATION], "task")
        say(f"train: judging the start on {tasks} of meta-validation")
        training.keep_start(judge.judge(model, 0))
    if not training.has_converged:
        callbacks = [*_guards(model, run, plan), judge, training]
        if model.distribute_strategy.num_replicas_in_sync == 1:
            callbacks += watch(run, scorer, plan)
        _go_on(model, training, callbacks, plan, options.max_epochs)
    if not training.writes:
        return {}
    facts = _facts(training, decides=f"val_{setting.metrics[0].name}")
    return {**facts, "num_parameters": num_parameters(model)}


def fit_again(
    model: tf.keras.Model, config: Any, data: Data, run: RunDir, num_epochs: int
) -> None:
    """Trains a model for so many epochs, or goes on where a killed training was.

    Nothing is judged or chosen: the learning rate falls as it did when the number of
    epochs was chosen, and the last weights count.

    Args:
        model: CMML, its weights fresh.
        config: The experiment.
        data: The data set, all of whose pairs are trained on.
        run: Where weights are written.
        num_epochs: How many; with 0 the model is kept as it starts.

    Raises:
        TrainingDivergedError: If it comes to what is no finite number.
    """
    plan = setting_of(config).training(config, data)
    prepare_fit(model, config.training, plan.steps_per_epoch)
    writes = is_chief(model.distribute_strategy)
    training = ResumableTraining(
        run.path, monitor=None, num_tasks=plan.num_tasks, writes=writes
    )
    _restore(model, training, run)
    if num_epochs:
        callbacks = [*_guards(model, run, plan), training]
        _go_on(model, training, callbacks, plan, num_epochs)
    else:
        training.keep_start({})
    check_finite(model, num_epochs - 1)


def _guards(
    model: tf.keras.Model, run: RunDir, plan: TrainingPlan
) -> list[tf.keras.callbacks.Callback]:
    """Returns what stops a training for all, by the losses that all see."""
    is_writer = is_chief(model.distribute_strategy)
    return [StopDivergence(run.path, plan)] if is_writer else []


def _restore(model: tf.keras.Model, training: ResumableTraining, run: RunDir) -> None:
    if first_epoch := training.restore(model):
        say(f"train: resuming {run.path} after epoch {first_epoch}")


def prepare_fit(model: tf.keras.Model, options: Any, steps_per_epoch: int) -> None:
    """Gives a model its optimizer.

    Args:
        model: The model.
        options: The section `training` of an experiment.
        steps_per_epoch: Batches of an epoch.
    """
    decay = tf.keras.optimizers.schedules.CosineDecay(
        options.learning_rate, steps_per_epoch * options.max_epochs
    )
    with model.distribute_strategy.scope():
        model.compile(
            LazyAdam(decay),
            steps_per_execution=min(options.steps_per_execution, steps_per_epoch),
        )


def _go_on(
    model: tf.keras.Model,
    training: ResumableTraining,
    callbacks: Sequence[tf.keras.callbacks.Callback],
    plan: TrainingPlan,
    num_epochs: int,
) -> None:
    """Trains from the epoch that has been restored, and says how it goes."""
    first_epoch = int(training.epoch)
    episodes = plan.episodes(first_epoch * plan.steps_per_epoch)
    tasks = counted(plan.num_tasks, "task")
    steps = counted(plan.steps_per_epoch, "step")
    say(f"train: epochs of {tasks} in {steps}; the first is longer, since it compiles")
    with progress_bar("train: epoch", num_epochs, first_epoch) as advance:
        training.on_epoch = lambda line: advance(_in_words(line, training.monitor))
        model.fit(
            distributed(episodes, model.distribute_strategy),
            steps_per_epoch=plan.steps_per_epoch,
            initial_epoch=first_epoch,
            epochs=num_epochs,
            callbacks=callbacks,
            verbose=0,
        )


def _facts(training: ResumableTraining, decides: str) -> dict[str, Any]:
    """Says what a training came to, and returns it.

    Args:
        training: The training.
        decides: What trials and methods are held against each other by.
    """
    epochs, best_epoch = int(training.epoch), int(training.best_epoch)
    best = float(training.best)
    say(
        f"train: ended after epoch {epochs}, best {training.monitor} {best:.4f} at "
        f"epoch {best_epoch}"
    )
    if not best_epoch:
        say("train: the start, the closed form, is kept: no epoch was better by enough")
    return {
        "epochs": epochs,
        "best_epoch": best_epoch,
        f"best_{training.monitor}": round(best, 6),
        f"best_{decides}": training.line_of(best_epoch)[decides],
    }


def _in_words(line: Mapping[str, Any], monitor: str | None) -> str:
    """Says where a training stands, by a line of `metrics.jsonl`."""
    speed = f"{line['tasks_per_s']:.0f} tasks/s"
    if monitor is None:
        return speed
    return (
        f"{monitor} {line[monitor]:.4f}, best {line[f'best_{monitor}']:.4f} at "
        f"epoch {line['best_epoch']}, {speed}"
    )


def num_parameters(model: tf.keras.Model) -> int:
    """Counts the weights that are trained."""
    return sum(v.shape.num_elements() for v in model.trainable_weights)


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
            by_task = self._by_task()
        except NotFiniteError as error:
            raise TrainingDivergedError(f"after epoch {epoch}: {error}") from None
        columns = [by_task.get(name, np.array([math.nan])) for name in names[:-1]]
        means = [
            math.nan if np.isnan(values).all() else float(np.nanmean(values))
            for values in columns
        ]
        return [*means, self._margin(by_task[self._plan.chosen_by.name], epoch)]

    def _by_task(self) -> dict[str, NDArray[np.floating]]:
        """Returns the metrics of each task, means over the sizes of support sets."""
        shown = self._plan.validation
        groups = [shown, *map(shown.few, self._plan.few_sizes)]
        first, *others = (self._setting.by_task(self._scorer(one)) for one in groups)
        return {
            name: np.mean([values, *(one[name] for one in others)], axis=0)
            for name, values in first.items()
        }

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
