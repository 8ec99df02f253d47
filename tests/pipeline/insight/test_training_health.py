import dataclasses

import pytest

from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir
from pipeline.insight.training_health import dead_share, training_health
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.training.trained import trained_model


@pytest.fixture(params=["experiment", "scenario_experiment"])
def trained(request):
    """A trained model of either setting, for a test to change, and a batch."""
    made = request.getfixturevalue(request.param)
    config = load_experiment(made.config_path)
    setting = setting_of(config)
    data = setting.load(config, made.dataset_dir)
    if hasattr(data, "training_factors"):  # Batches are of the fits without a fold.
        data = dataclasses.replace(data, factors=data.training_factors)
    model = trained_model(config, data, RunDir(made.run_dir))
    return model, setting.training(config, data).probe()


def test_a_unit_is_dead_if_no_real_pair_wakes_it():
    layer = tf.constant([[[0.0, 2.0, 0.0], [0.0, 0.0, 5.0]]])
    both, first = tf.constant([[True, True]]), tf.constant([[True, False]])
    assert dead_share([layer], both) == pytest.approx(1 / 3)
    assert dead_share([layer], first) == pytest.approx(2 / 3)
    assert dead_share([layer, layer[..., :1]], both) == pytest.approx(2 / 4)


def test_health_sees_dead_units_and_leaves_the_model_as_it_was(trained):
    model, episode = trained
    for weight in model.modulation.heads[0].weights + model.modulation.heads[1].weights:
        weight.assign(tf.zeros_like(weight))  # A scale of 1 and a shift of 0.
    hidden = model.backbone.hidden
    activate = hidden.activate
    hidden.biases[0].assign(tf.fill([16], 1e3))
    hidden.biases[1].assign(tf.fill([16], 1e6))
    assert training_health(model, episode)["dead_units"] == 0.0
    hidden.biases[0].assign(tf.fill([16], -1e3))  # Half of all units.
    assert training_health(model, episode)["dead_units"] == 0.5
    assert hidden.activate is activate


def test_the_gradient_norm_is_that_of_the_loss(trained):
    model, episode = trained
    found = training_health(model, episode)["gradient_norm"]
    # Where the backbone counts for nothing yet, only its weight can move.
    weight = getattr(model.pairs, "backbone_scale", model.backbone.last_kernel)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(episode, training=False)
    gradient = tape.gradient(loss, weight)
    assert found >= float(tf.norm(gradient)) > 0.0
