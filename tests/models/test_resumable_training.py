import json
import shutil

import numpy as np
import pytest

from models.episodes.rating_episodes import fixed_episodes, training_episodes
from models.legacy_keras import tf
from models.resumable_training import METRICS_FILE, ResumableTraining, restore_best
from transforms.schema import DataError

NUM_EPOCHS, STEPS_PER_EPOCH, BATCH_SIZE = 4, 3, 4  # Ten tasks an epoch.


def fit(model, dataset, run_dir, on_epoch=lambda line: None):
    """Trains to the end from wherever the run is, and returns where that was."""
    steps = STEPS_PER_EPOCH * NUM_EPOCHS
    schedule = tf.keras.optimizers.schedules.CosineDecay(0.02, steps)
    model.compile(tf.keras.optimizers.Adam(schedule))
    training = ResumableTraining(run_dir, monitor="val_mae", patience=9, num_tasks=10)
    training.on_epoch = on_epoch
    first_epoch = training.restore(model)
    validation = fixed_episodes(dataset.directory, "meta_validation")
    # There is nothing to convert, and to look for it takes seconds.
    model.test_step = tf.autograph.experimental.do_not_convert(model.test_step)
    model.fit(
        training_episodes(
            dataset.directory,
            support_size=4,
            query_size=2,
            batch_size=BATCH_SIZE,
            seed=0,
            full_support_fraction=0.5,
            first_step=STEPS_PER_EPOCH * first_epoch,
        ),
        steps_per_epoch=STEPS_PER_EPOCH,
        initial_epoch=first_epoch,
        epochs=NUM_EPOCHS,
        validation_data=validation.map(without_task_id),
        callbacks=[training],
        verbose=0,
    )
    return first_epoch


def without_task_id(episode):
    return {name: value for name, value in episode.items() if name != "task_id"}


def read_metrics(run_dir):
    return [json.loads(line) for line in (run_dir / METRICS_FILE).open()]


@pytest.fixture
def small_model():
    """One weight, which stands for all."""
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False)])
    model.build([None, 1])
    model.compile("adam")
    return model


@pytest.fixture
def start(small_model, tmp_path):
    """Starts, or resumes, a training whose epochs a test makes up."""

    def restore(patience=3):
        training = ResumableTraining(
            tmp_path, monitor="val_mae", patience=patience, num_tasks=10
        )
        training.set_model(small_model)
        assert training.restore(small_model) == int(training.epoch)
        return training

    return restore


def run_epoch(training, value, **logs):
    """Ends the next epoch with a metric, and with that number as the weight."""
    epoch = int(training.epoch)
    training.on_epoch_begin(epoch)
    training.model.set_weights([np.array([[value]])])
    training.on_train_batch_end(0)
    logs |= {"loss": 1.0, "mae": 0.1, "val_mae": value}
    training.on_epoch_end(epoch, logs)


def test_a_resumed_training_ends_like_one_that_was_not_killed(
    dataset, new_model, tmp_path
):
    straight, killed = tmp_path / "straight", tmp_path / "killed"

    def keep_what_a_kill_would_leave(line):
        if line["epoch"] == 2:
            shutil.copytree(straight, killed)

    whole = new_model(dropout=0.3, encoder="mean")
    assert fit(whole, dataset, straight, keep_what_a_kill_would_leave) == 0
    # As another process would make it.
    second_half = new_model(dropout=0.3, encoder="mean")
    assert fit(second_half, dataset, killed) == 2
    lines = [read_metrics(run_dir) for run_dir in (straight, killed)]
    for line in (*lines[0], *lines[1]):
        assert line.pop("tasks_per_s") > 0.0
        assert line.pop("epoch_s") >= 0.0
    assert [line["epoch"] for line in lines[0]] == [1, 2, 3, 4]
    for one, other in zip(*lines, strict=True):
        assert other == pytest.approx(one, abs=2e-6)  # Metrics have six decimals.
    for one, other in zip(whole.variables, second_half.variables, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_what_a_killed_training_has_left_is_removed(start, tmp_path):
    run_epoch(start(), 1.0)
    whole = sorted(tmp_path.rglob("*"))
    for kind in ("last", "best"):
        folder = tmp_path / "checkpoints" / kind
        (folder / "ckpt-2_temp").mkdir()
        for name in ("ckpt-2_temp/part", "ckpt-2.index", "checkpoint.tmp12"):
            (folder / name).touch()
    assert int(start().epoch) == 1
    assert sorted(tmp_path.rglob("*")) == whole


def test_stops_when_patience_has_run_out(start):
    training = start(patience=2)
    for value, stops in [(3.0, False), (2.0, False), (2.0, False), (2.5, True)]:
        run_epoch(training, value)
        assert training.model.stop_training == stops
    assert training.has_converged
    assert (float(training.best), int(training.best_epoch)) == (2.0, 2)


def test_a_training_that_had_stopped_is_known_to_have(start):
    training = start(patience=1)
    run_epoch(training, 1.0)
    run_epoch(training, 2.0)
    assert start(patience=1).has_converged
    assert not start(patience=2).has_converged


def test_a_metric_that_is_no_number_is_an_error_that_names_a_cure(start):
    training = start(patience=2)
    with pytest.raises(DataError, match=r"val_mae must be finite, got nan after epoch"):
        run_epoch(training, float("nan"))


def test_the_last_and_the_best_weights_are_kept(start, small_model, tmp_path):
    training = start()
    for value in (3.0, 1.0, 2.0):
        run_epoch(training, value)
    small_model.set_weights([np.array([[9.0]])])
    start()
    assert small_model.get_weights()[0] == 2.0
    restore_best(small_model, tmp_path)
    assert small_model.get_weights()[0] == 1.0


def test_the_best_of_before_stays_the_best_after_resuming(start, small_model, tmp_path):
    run_epoch(start(), 1.0)
    resumed = start()
    run_epoch(resumed, 2.0)
    assert int(resumed.best_epoch) == 1
    restore_best(small_model, tmp_path)
    assert small_model.get_weights()[0] == 1.0
    run_epoch(start(), 0.5)  # A new best takes its place.
    small_model.set_weights([np.array([[9.0]])])
    restore_best(small_model, tmp_path)
    assert small_model.get_weights()[0] == 0.5


def test_the_start_is_the_best_until_an_epoch_is_better(start, small_model, tmp_path):
    training = start(patience=2)
    assert training.is_new
    small_model.set_weights([np.array([[7.0]])])
    training.keep_start({"val_mae": 1.0})
    run_epoch(training, 1.0)
    resumed = start(patience=2)
    assert not resumed.is_new
    run_epoch(resumed, 2.0)
    assert (float(resumed.best), int(resumed.best_epoch)) == (1.0, 0)
    assert resumed.has_converged
    restore_best(small_model, tmp_path)
    assert small_model.get_weights()[0] == 7.0
    assert [line["epoch"] for line in read_metrics(tmp_path)] == [0, 1, 2]
    best = {"best_val_mae": 1.0, "best_epoch": 0}
    assert resumed.line_of(0) == {"epoch": 0, "val_mae": 1.0, **best}
    run_epoch(start(patience=3), 0.5)
    assert int(start().best_epoch) == 3


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7, 1.0 / 3.0])
def test_an_epoch_that_is_as_good_as_the_start_is_no_better(start, value):
    training = start(patience=2)
    training.keep_start({"val_mae": value})
    run_epoch(training, value)
    assert int(training.best_epoch) == 0


def test_an_epoch_must_be_better_than_the_start_by_the_margin(start):
    training = start(patience=9)
    training.keep_start({"val_mae": 1.0})
    run_epoch(training, 0.9, val_mae_margin=0.2)
    assert int(training.best_epoch) == 0
    run_epoch(training, 0.7, val_mae_margin=0.2)
    assert int(training.best_epoch) == 2
    run_epoch(training, 0.6, val_mae_margin=0.2)  # The start is no more the best.
    assert int(training.best_epoch) == 3


def test_every_epoch_has_a_line_of_metrics_and_is_reported(start, tmp_path):
    training = start()
    reported = []
    training.on_epoch = reported.append
    run_epoch(training, 3.0)
    run_epoch(training, 4.0)
    lines = read_metrics(tmp_path)
    assert lines == reported
    assert lines[1].pop("tasks_per_s") > 0.0
    assert lines[1].pop("epoch_s") >= 0.0
    assert lines[1] == {  # The loss is of the last batch only, so it is left out.
        "epoch": 2,
        "mae": 0.1,
        "val_mae": 4.0,
        "best_val_mae": 3.0,
        "best_epoch": 1,
    }


@pytest.mark.parametrize("torn", ['{"epoch": 2, "val', '{"epoch": 2, "val_mae": 3.0}'])
def test_a_torn_last_line_of_metrics_is_dropped(start, tmp_path, torn):
    run_epoch(start(), 3.0)
    with (tmp_path / METRICS_FILE).open("a") as file:
        file.write(torn)
    run_epoch(start(), 2.0)
    assert [line["val_mae"] for line in read_metrics(tmp_path)] == [3.0, 2.0]


def test_lines_of_epochs_that_will_be_done_again_are_dropped(start, tmp_path):
    run_epoch(start(), 3.0)
    with (tmp_path / METRICS_FILE).open("a") as file:
        file.write('{"epoch": 2, "val_mae": 9.0}\n')
    run_epoch(start(), 2.0)
    assert [line["val_mae"] for line in read_metrics(tmp_path)] == [3.0, 2.0]


def test_refuses_to_restore_the_best_weights_of_a_run_without_any(
    small_model, tmp_path
):
    with pytest.raises(ValueError, match=r"best holds no weights: run `cmml train`\."):
        restore_best(small_model, tmp_path)


def test_refuses_best_weights_that_are_of_another_model(start, tmp_path):
    run_epoch(start(), 1.0)
    other = tf.keras.Sequential([tf.keras.layers.Dense(1), tf.keras.layers.Dense(1)])
    other.build([None, 1])
    with pytest.raises(AssertionError, match="not bound to checkpointed values"):
        restore_best(other, tmp_path)
