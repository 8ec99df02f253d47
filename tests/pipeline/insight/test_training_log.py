import dataclasses

import numpy as np
import pytest
from finished_run import open_run

from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.metric import Metric
from models.evaluation.rating_metrics import mae
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir, training_fingerprint
from pipeline.insight.training_log import Probe, dead_share, training_health
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.settings.scenario import setting as scenario_setting
from pipeline.settings.scenario.metrics import metrics_by_task
from pipeline.settings.scenario.scoring import ClickScorer
from pipeline.settings.scenario.setting import SCENARIO
from pipeline.steps.train import train
from pipeline.training.trained import trained_model

SCALARS = {
    *("health/gradient_norm", "health/dead_units", "health/context_norm"),
    *("adaptation_gain/over_empty", "adaptation_gain/over_other"),
    "speed/episodes_per_s",
}


def events(run_dir):
    """Returns steps and values by name, in the order of steps."""
    found = {}
    for path in (run_dir / "logs" / "insight").glob("events.*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                one = event.step, tf.make_ndarray(value.tensor)
                found.setdefault(value.tag, []).append(one)
    return found


@pytest.mark.parametrize("setting", ["experiment", "scenario_experiment"])
def test_a_training_writes_what_goes_on_inside(setting, request):
    found = events(request.getfixturevalue(setting).run_dir)
    assert found.keys() == SCALARS | {"modulation"}
    steps = [step for step, _ in found["speed/episodes_per_s"]]
    assert steps == list(range(len(steps)))  # Every epoch.
    ((step, norm),) = found["health/gradient_norm"]  # Every fifth, from the first.
    assert (step, bool(norm > 0.0)) == (0, True)
    ((_, picture),) = found["modulation"]
    assert picture[2].startswith(b"\x89PNG")  # After width and height.


def test_looking_inside_and_profiling_change_no_weight(experiment, tmp_path):
    changes = ["tensorboard.insight_every=0", "tensorboard.profile=true"]
    config = load_experiment(experiment.config_path, [f"runs_dir={tmp_path}", *changes])
    run = train(config, experiment.dataset_dir)
    assert not (run.logs / "insight").exists()
    assert list(run.logs.rglob("*.xplane.pb"))
    assert not list((experiment.run_dir / "logs").rglob("*.xplane.pb"))
    first, second = (
        tf.train.load_checkpoint(str(folder / "checkpoints" / "last"))
        for folder in (run.path, experiment.run_dir)
    )
    names = first.get_variable_to_shape_map().keys() - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    assert len(names) > 20
    for name in names:
        same = first.get_tensor(name), second.get_tensor(name)
        np.testing.assert_array_equal(*same, name)


@pytest.mark.parametrize("setting", ["experiment", "scenario_experiment"])
@pytest.mark.parametrize("change", ["insight_every=1", "profile=true"])
def test_what_is_watched_does_not_decide_the_weights(setting, change, request):
    path = request.getfixturevalue(setting).config_path
    plain = load_experiment(path)
    watched = load_experiment(path, [f"tensorboard.{change}"])
    assert watched != plain
    assert training_fingerprint(watched, "x") == training_fingerprint(plain, "x")


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


class ByItemRow:
    """Ranks by item row, downwards where it has seen a support set, else upwards."""

    def __init__(self, heeds_support=True):
        self.heeds_support = heeds_support

    def adapt(self, support):
        size = tf.reduce_sum(tf.cast(support["support_mask"], tf.float32))
        return tf.cast(size > 0.0 if self.heeds_support else True, tf.float32)

    def score(self, state, query):
        return (2.0 * state - 1.0) * tf.cast(query["query_item"], tf.float32)


@pytest.fixture(scope="module")
def users(experiment):
    return open_run(experiment)


@pytest.fixture(scope="module")
def scenarios(scenario_experiment):
    return open_run(scenario_experiment)


def probe_of(config, data, method):
    setting = setting_of(config)
    plan = setting.training(config, data)
    return Probe(config, data, setting.scorer(method, config, data), plan)


def test_the_gain_of_users_is_what_the_error_falls_by(users):
    config, data, model = users
    gain = probe_of(config, data, model).adaptation_gain()

    def error(support_size, shift):
        (episode,) = fixed_episodes(
            data.directory,
            "meta_validation",
            max_support_size=support_size,
            batch_size=128,
        )
        shown = {
            name: np.roll(value, shift, axis=0) if name.startswith("support") else value
            for name, value in episode.items()
        }
        scores = model(shown)
        return mae(episode["query_label"], scores, episode["query_mask"]).mean()

    own = error(6, 0)
    assert gain["over_empty"] == pytest.approx(error(0, 0) - own, abs=1e-5)
    assert gain["over_other"] == pytest.approx(error(6, 1) - own, abs=1e-5)


def test_the_gain_of_scenarios_is_what_recall_rises_by(scenarios, monkeypatch):
    config, data, _ = scenarios
    # Pools are so small that recall@20 would be 1 in any order.
    own = dataclasses.replace(SCENARIO, metrics=(Metric("recall@5"),))
    monkeypatch.setattr(scenario_setting, "SCENARIO", own)
    gain = probe_of(config, data, ByItemRow()).adaptation_gain()
    scorer = ClickScorer(ByItemRow(), config, data)

    def recall(size):
        shown = Shown("validation", "meta_validation", size, 16, max_users=10)
        return np.nanmean(metrics_by_task(scorer(shown))["recall@5"])

    assert gain["over_empty"] == pytest.approx(recall(16) - recall(0))
    assert abs(gain["over_empty"]) > 0.01
    assert gain["over_other"] == 0.0  # Any support set would do.


@pytest.mark.parametrize("name", ["users", "scenarios"])
def test_a_method_that_heeds_no_support_gains_nothing(name, request):
    config, data, _ = request.getfixturevalue(name)
    gain = probe_of(config, data, ByItemRow(heeds_support=False)).adaptation_gain()
    assert gain == {"over_empty": 0.0, "over_other": 0.0}


@pytest.mark.parametrize(("name", "prefix"), [("users", "ü"), ("scenarios", "Theme ")])
def test_modulations_are_of_two_tasks_by_their_names(name, prefix, request):
    config, data, model = request.getfixturevalue(name)
    found = probe_of(config, data, model).modulations(model)
    assert len(found) == 2
    for task, values in found.items():
        assert task.startswith(prefix)
        assert list(values) == model.modulation.value_names
        assert values["scale_0"].shape == (16,)
