"""Callbacks that let a killed training go on where it was, and say how it goes."""

import json
import math
import pathlib
import shutil
import time
from collections.abc import Callable, Mapping
from typing import Any

from models.legacy_keras import tf
from models.whole_files import write_atomically
from transforms.schema import DataError

METRICS_FILE = "metrics.jsonl"

_OF_LAST_BATCH = ("loss",)


class TrainingDivergedError(DataError):
    """A training whose metric is not a finite number any more."""


class ResumableTraining(tf.keras.callbacks.Callback):
    """Keeps the last and the best weights, stops early, and writes `metrics.jsonl`.

    After every epoch the whole state (weights, optimizer, dropout generators, epoch,
    best value) is on disk, so that a training that is killed and started again ends
    with the weights of one that was not.

    Args:
        run_dir: Directory of the run; `checkpoints/` and `metrics.jsonl` go there.
        monitor: Metric to choose by; None for the last epoch, whatever comes of it. An
            epoch must be better than the start by the margin that the logs give, if
            they do.
        maximise: Whether more of it is better.
        patience: Epochs without a better value before stopping.
        num_tasks: Tasks of an epoch, for the speed that is reported.
        writes: Whether this process writes: one of those that train together does.

    Attributes:
        monitor: The metric; None if nothing is chosen.
        writes: Whether this process writes.
        on_epoch: Called after every epoch with the line of `metrics.jsonl`.
        epoch: Epochs done.
        best: Best value of the metric so far.
        best_epoch: Epoch of the best value, the first being 1; 0 for the start.
        is_new: Whether no state of an interrupted training was there to go on from.
    """

    def __init__(
        self,
        run_dir: str | pathlib.Path,
        *,
        monitor: str | None,
        maximise: bool = False,
        patience: int = 1,
        num_tasks: int,
        writes: bool = True,
    ) -> None:
        super().__init__()
        self._run_dir = pathlib.Path(run_dir)
        self.monitor = monitor
        self._sign = -1.0 if maximise else 1.0
        self._patience = patience
        self._num_tasks = num_tasks
        self.writes = writes
        self.on_epoch: Callable[[dict[str, Any]], None] = lambda line: None
        self.epoch = tf.Variable(0, dtype=tf.int64)
        self.best = tf.Variable(self._sign * float("inf"))
        self.best_epoch = tf.Variable(0, dtype=tf.int64)
        self.is_new = True
        self._started = 0.0
        self._last_batch = 0.0

    def restore(self, model: tf.keras.Model) -> int:
        """Loads the last state of an interrupted training, if there is one.

        Args:
            model: The compiled model, its weights created.

        Returns:
            Epochs already done.
        """
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)
        state = tf.train.Checkpoint(
            model=model,
            optimizer=model.optimizer,
            generators=_generators(model),
            epoch=self.epoch,
            best=self.best,
            best_epoch=self.best_epoch,
        )
        directory = self._run_dir / "checkpoints"
        self._last = tf.train.CheckpointManager(state, str(directory / "last"), 1)
        weights = tf.train.Checkpoint(model=model)
        self._best_weights = tf.train.CheckpointManager(
            weights, str(directory / "best"), 1
        )
        for manager in (self._last, self._best_weights):
            # Made here, and so no variable of all workers, as it would be within `fit`.
            _ = manager.checkpoint.save_counter
            if self.writes:
                _remove_leftovers(manager)
        self.is_new = not self._last.latest_checkpoint
        if not self.is_new:
            state.restore(
                self._last.latest_checkpoint
            ).assert_existing_objects_matched()
        if self.writes:
            self._truncate_metrics()
        return int(self.epoch)

    @property
    def has_converged(self) -> bool:
        """Whether patience has run out."""
        return int(self.epoch) - int(self.best_epoch) >= self._patience

    def keep_start(self, logs: Mapping[str, float]) -> None:
        """Takes the weights before the first epoch for the best ones so far.

        Args:
            logs: Metrics of them; empty if nothing is chosen.
        """
        if self.monitor:
            self.best.assign(logs[self.monitor])
        if self.writes:
            self._write({"epoch": 0, **self._metrics(logs)}, is_best=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._started = time.monotonic()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, float] | None = None
    ) -> None:
        """Looks at the clock, before validation begins."""
        self._last_batch = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves, logs, and stops if patience has run out.

        Raises:
            TrainingDivergedError: If the metric is not finite.
        """
        assert logs is not None
        name = self.monitor or "loss"
        value = logs[name]
        if not math.isfinite(value):
            raise TrainingDivergedError(
                f"{name} must be finite, got {value} after epoch {epoch + 1}: "
                "lower the learning rate, or look for extreme numeric features."
            )
        self.epoch.assign(epoch + 1)
        # As it is kept: what was rounded is neither better nor worse than itself.
        rounded = float(tf.cast(value, self.best.dtype))
        margin = 0.0 if int(self.best_epoch) else logs.get(f"{name}_margin", 0.0)
        is_better = self._sign * rounded < self._sign * float(self.best) - margin
        is_best = is_better or self.monitor is None
        if is_best:
            self.best.assign(value)
            self.best_epoch.assign(epoch + 1)
        line = self._line(logs)
        if self.writes:
            self._write(line, is_best=is_best)
        self.on_epoch(line)
        self.model.stop_training = self.has_converged

    def _write(self, line: Mapping[str, Any], *, is_best: bool) -> None:
        epoch = int(self.epoch)
        if is_best:
            _save(self._best_weights, epoch)
        # The line first: one of an epoch whose state was not saved is dropped later.
        with (self._run_dir / METRICS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        _save(self._last, epoch)

    def line_of(self, epoch: int) -> dict[str, Any]:
        """Returns the line of `metrics.jsonl` of an epoch, 0 being the start."""
        text = (self._run_dir / METRICS_FILE).read_text(encoding="utf-8")
        lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        return next(line for line in lines if line["epoch"] == epoch)

    def _metrics(self, logs: Mapping[str, float]) -> dict[str, Any]:
        metrics = {
            name: round(float(value), 6)
            for name, value in logs.items()
            if name not in _OF_LAST_BATCH
        }
        best = {
            f"best_{self.monitor}": round(float(self.best), 6),
            "best_epoch": int(self.best_epoch),
        }
        return {**metrics, **(best if self.monitor else {})}

    def _line(self, logs: Mapping[str, float]) -> dict[str, Any]:
        seconds = self._last_batch - self._started
        return {
            "epoch": int(self.epoch),
            **self._metrics(logs),
            "tasks_per_s": round(self._num_tasks / seconds, 1),
            "epoch_s": round(seconds, 3),  # Without meta-validation.
        }

    def _truncate_metrics(self) -> None:
        """Drops lines of epochs after the last saved state."""
        path = self._run_dir / METRICS_FILE
        if not path.exists():
            return
        lines = []
        last = -1 if self.is_new else int(self.epoch)
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n") and json.loads(line)["epoch"] <= last:
                lines.append(line)
        write_atomically(path, "".join(lines))


def _save(manager: tf.train.CheckpointManager, epoch: int) -> None:
    """Saves under a number, and with a count, that no earlier kill has an effect on."""
    manager.checkpoint.save_counter.assign(epoch - 1)
    manager.save(checkpoint_number=epoch)


def _remove_leftovers(manager: tf.train.CheckpointManager) -> None:
    """Removes what a killed training had begun to write, or not yet removed."""
    kept = pathlib.Path(manager.latest_checkpoint or "none").name
    for path in pathlib.Path(manager.directory).glob("*"):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "checkpoint" and not path.name.startswith(f"{kept}."):
            path.unlink()


def check_finite(model: tf.keras.Model, epoch: int) -> None:
    """Makes sure that a model can be asked.

    Raises:
        TrainingDivergedError: If a weight is not a finite number.
    """
    for weight in model.trainable_weights:
        if not bool(tf.reduce_all(tf.math.is_finite(weight))):
            raise TrainingDivergedError(
                f"weight {weight.name} must be finite after epoch {epoch + 1}: lower "
                "the learning rate."
            )


def _generators(model: tf.keras.Model) -> list[tf.random.Generator]:
    """Finds the generators of dropout, which Keras keeps out of its checkpoints."""
    random = [getattr(layer, "_random_generator", None) for layer in model.submodules]
    return [r._generator for r in random if r is not None and r._generator is not None]


def restore_best(model: tf.keras.Model, run_dir: str | pathlib.Path) -> None:
    """Loads the best weights of a run into a model of the same options.

    Raises:
        ValueError: If the run holds none.
        AssertionError: If they are not those of such a model.
    """
    directory = pathlib.Path(run_dir) / "checkpoints" / "best"
    path = tf.train.latest_checkpoint(str(directory))
    if path is None:
        raise ValueError(f"{directory} holds no weights: run `cmml train`.")
    weights = tf.train.Checkpoint(model=model).restore(path)
    # Every weight must be found; the optimizer beside them is of no use here.
    weights.assert_existing_objects_matched().expect_partial()
