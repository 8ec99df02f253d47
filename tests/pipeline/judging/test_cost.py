"""Costs are measured of what is asked, and nothing else is promised of them."""

import importlib
import signal

import numpy as np
import pytest

from models.legacy_keras import tf
from pipeline.experiment import quiet
from pipeline.judging import cost
from pipeline.judging.cost import in_own_process, measure_cost
from tuning.own_process import run_in_own_process


class Doubling:
    """A method that scores twice the item."""

    def adapt(self, support):
        return tf.cast(support["support_item"][:, 0], tf.float32)

    def score(self, state, query):
        return 2.0 * tf.cast(query["query_item"], tf.float32) + state[:, tf.newaxis]


class Learned(tf.keras.Model):
    """The same, with a weight."""

    def __init__(self):
        super().__init__()
        self.factor = self.add_weight("factor", shape=[])

    adapt = Doubling.adapt

    def score(self, state, query):
        return self.factor * Doubling.score(self, state, query)

    def call(self, episode):
        return self.score(self.adapt(episode), episode)

    def train_step(self, episode):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(self(episode)))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_variables, strict=True)
        )
        return {"loss": loss}


@pytest.fixture
def batch():
    rows = tf.ones([2, 3], tf.int32)
    return {
        "support_item": rows,
        "support_mask": rows > 0,
        "query_user": rows,
        "query_item": rows,
        "query_label": tf.ones([2, 3]),
    }


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(cost, "_MIN_SECONDS", 0.0)


def test_a_simple_method_is_adapted_but_not_trained(batch):
    found = measure_cost(Doubling(), batch)
    assert found.adapt_ms > 0.0
    assert found.train_ms != found.train_ms  # Not a number.


def test_a_learned_method_is_trained_too(batch):
    model = Learned()
    before = float(model.factor)
    found = measure_cost(model, batch)
    assert found.adapt_ms > 0.0
    assert found.train_ms > 0.0
    assert float(model.factor) != before


def test_a_process_that_measures_imports_tensorflow_without_its_chatter(
    monkeypatch, capfd
):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert in_own_process(cost._peak) > 0.0
    assert capfd.readouterr().err == ""


def test_the_cost_is_unknown_where_its_own_process_was_killed(monkeypatch, capfd):
    def without_tensorflow(call, module, name, *arguments):
        assert call is quiet.call  # Takes seconds to import it.
        function = getattr(importlib.import_module(module), name)
        return run_in_own_process(function, *arguments)

    monkeypatch.setattr(cost, "run_in_own_process", without_tensorflow)
    found = in_own_process(signal.raise_signal, signal.SIGKILL)
    assert np.isnan([found.adapt_ms, found.train_ms, found.peak_mb]).all()
    assert "ended by SIGKILL; its cost is unknown" in capfd.readouterr().err
