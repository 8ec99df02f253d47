import numpy as np
import pytest

from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.metric import Metric
from models.evaluation.rating_metrics import mae
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir
from pipeline.insight.probe import Probe
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.settings.scenario.metrics import metrics_by_task
from pipeline.settings.scenario.scoring import ClickScorer
from pipeline.settings.scenario.setting import ScenarioSetting
from pipeline.training.trained import trained_model


class ByItemRow:
    """Ranks by item row, downwards where it has seen a support set, else upwards."""

    def __init__(self, heeds_support=True):
        self.heeds_support = heeds_support

    def adapt(self, support):
        size = tf.reduce_sum(tf.cast(support["support_mask"], tf.float32))
        return tf.cast(size > 0.0, tf.float32) if self.heeds_support else 1.0

    def score(self, state, query):
        return (2.0 * state - 1.0) * tf.cast(query["query_item"], tf.float32)


def load(made):
    """Configuration, data and trained model of an experiment."""
    config = load_experiment(made.config_path)
    data = setting_of(config).load(config, made.dataset_dir)
    return config, data, trained_model(config, data, RunDir(made.run_dir))


@pytest.fixture(scope="module")
def users(experiment):
    return load(experiment)


@pytest.fixture(scope="module")
def scenarios(scenario_experiment):
    return load(scenario_experiment)


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
    monkeypatch.setattr(ScenarioSetting, "metrics", (Metric("recall@5"),))
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
