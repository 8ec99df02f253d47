"""A training that comes to no finite loss is stopped, its episodes kept for replay."""

import itertools
import math
import pathlib
from collections.abc import Iterable, Iterator

from models.legacy_keras import tf
from models.recommender import Episode
from models.resumable_training import TrainingDivergedError
from models.whole_files import whole_file
from pipeline.settings.setting import TrainingPlan

# Losses are of standardised labels, or of margins of scores: none comes near it.
_MAX_LOSS = 1e7


class StopDivergence(tf.keras.callbacks.Callback):
    """Stops a training at the first loss that is no finite number, or far too large.

    Args:
        run_dir: The batches go to `diverged/` in it.
        plan: What the training goes through.
    """

    def __init__(self, run_dir: pathlib.Path, plan: TrainingPlan) -> None:
        super().__init__()
        self._run_dir = run_dir
        self._plan = plan
        self._epoch = 0
        self._first = 0  # Batch of the epoch that the next call of the graph begins at.

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts at the first batch of the epoch."""
        self._epoch, self._first = epoch, 0

    def on_train_batch_end(
        self, batch: int, logs: dict[str, float] | None = None
    ) -> None:
        """Looks at the loss of the last of the batches that the graph has just run.

        Raises:
            TrainingDivergedError: If it is no finite number, or too large.
        """
        first, self._first = self._first, batch + 1
        loss = float((logs or {}).get("loss", 0.0))
        if math.isfinite(loss) and abs(loss) <= _MAX_LOSS:
            return
        path = self._keep(first, batch + 1 - first)
        raise TrainingDivergedError(
            f"the loss must be a finite number of at most {_MAX_LOSS:g}, got "
            f"{loss:g} in epoch {self._epoch + 1}, batches {first + 1} to "
            f"{batch + 1}, which are kept in {path}. Lower training.learning_rate, or "
            f"look for odd labels and features with `cmml validate-data`."
        )

    def _keep(self, first: int, count: int) -> pathlib.Path:
        """Makes the batches again, which are the same for the same step, and writes."""
        step = self._epoch * self._plan.steps_per_epoch + first
        batches = itertools.islice(iter(self._plan.episodes(step)), count)
        name = f"batches-{step:06d}-{step + count - 1:06d}.tfrecord"
        path = self._run_dir / "diverged" / name
        write_batches(path, batches)
        return path


def write_batches(path: pathlib.Path, batches: Iterable[Episode]) -> None:
    """Writes batches of episodes, a record each: every tensor as it is.

    Args:
        path: The file.
        batches: Tensors by name.
    """
    with whole_file(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for batch in batches:
            example = tf.train.Example()
            for name, tensor in batch.items():
                values = example.features.feature[name].bytes_list.value
                values.append(tf.io.serialize_tensor(tensor).numpy())
                values.append(tf.as_dtype(tensor.dtype).name.encode())
            writer.write(example.SerializeToString())


def read_batches(path: str | pathlib.Path) -> Iterator[Episode]:
    """Yields the batches that `write_batches` has written, to be trained on again."""
    for record in tf.data.TFRecordDataset(str(path)):
        example = tf.train.Example.FromString(record.numpy())
        yield {
            name: tf.io.parse_tensor(
                feature.bytes_list.value[0], feature.bytes_list.value[1].decode()
            )
            for name, feature in example.features.feature.items()
        }
