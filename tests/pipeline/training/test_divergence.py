"""A training that comes to no finite loss: stopped, and its batches kept."""

import types

import numpy as np
import pytest

from models.legacy_keras import tf
from models.resumable_training import TrainingDivergedError
from pipeline.training.divergence import StopDivergence, read_batches, write_batches

STEPS = 6


class MeanOfBatch(tf.keras.Model):
    """Its loss is the mean of what it is given."""

    def train_step(self, batch):
        return {"loss": tf.reduce_mean(batch["support_label"])}


def plan_of(labels):
    """A batch for each label, the same from any step on."""
    batches = tf.data.Dataset.from_tensor_slices(
        {
            "support_label": np.float32(labels)[:, np.newaxis],
            "support_item": np.arange(len(labels), dtype=np.int32)[:, np.newaxis],
        }
    )
    return types.SimpleNamespace(
        episodes=lambda step: batches.repeat().skip(step), steps_per_epoch=STEPS
    )


def train(plan, run_dir, epochs=2):
    model = MeanOfBatch()
    model.compile(steps_per_execution=2)
    model.fit(
        plan.episodes(0),
        steps_per_epoch=STEPS,
        epochs=epochs,
        callbacks=[StopDivergence(run_dir, plan)],
        verbose=0,
    )


def test_a_training_with_finite_losses_goes_on(tmp_path):
    train(plan_of([1.0] * STEPS), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e8])
def test_the_batches_of_a_bad_loss_are_kept(tmp_path, bad):
    # The fourth batch of the second epoch; the graph runs two at a time.
    plan = plan_of([1.0] * (STEPS + 3) + [bad] + [1.0] * 2)
    with pytest.raises(TrainingDivergedError, match="epoch 2, batches 3 to 4") as error:
        train(plan, tmp_path)
    (path,) = (tmp_path / "diverged").iterdir()
    assert str(path) in str(error.value)
    labels = [float(batch["support_label"][0]) for batch in read_batches(path)]
    np.testing.assert_array_equal(labels, [1.0, np.float32(bad)])


def test_batches_are_read_as_they_were(tmp_path):
    batch = {
        "support_label": tf.constant([[1.5, float("nan")]]),
        "support_mask": tf.constant([[True, False]]),
        "query_item": tf.zeros([1, 0], tf.int32),
        "task_id": tf.constant([b"\xff"]),
    }
    write_batches(tmp_path / "batches.tfrecord", [batch, batch])
    for read in read_batches(tmp_path / "batches.tfrecord"):
        assert read.keys() == batch.keys()
        for name, tensor in batch.items():
            assert (read[name].dtype, read[name].shape) == (tensor.dtype, tensor.shape)
            np.testing.assert_array_equal(read[name], tensor)
