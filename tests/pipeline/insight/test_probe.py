import numpy as np
import pytest
from pipeline.insight.scenario_probe import ScenarioProbe
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.settings.scenario.ranking import Ranker
from pipeline.steps.scenarios.train import episode_sizes, trained_model

from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir
from pipeline.insight import scenario_probe
from pipeline.settings.registry import load_experiment


class ByItemRow:
    """Ranks by item row, downwards where it has seen a support set, else upwards."""

    def __init__(self, heeds_support=True):
        self.heeds_support = heeds_support

    def adapt(self, support):
        size = tf.reduce_sum(tf.cast(support["support_mask"], tf.float32))
        return tf.cast(size > 0.0, tf.float32) if self.heeds_support else 1.0

    def score(self, state, query):
        return (2.0 * state - 1.0) * tf.cast(query["query_item"], tf.float32)


@pytest.fixture(scope="module")
def shop(scenario_experiment):
    config = load_experiment(scenario_experiment.config_path)
    return config, load_scenarios(config, scenario_experiment.dataset_dir)


def probe_of(shop, method):
    config, dataset = shop
    sizes = episode_sizes(config.training)
    return ScenarioProbe(dataset, config, sizes, Ranker(method, seed=0))


def test_the_gain_is_what_recall_rises_by(shop, monkeypatch):
    _, dataset = shop
    # Pools are so small that recall@20 would be 1 in any order.
    monkeypatch.setattr(scenario_probe, "CHOSEN_BY", "recall@5")
    method = ByItemRow()
    gain = probe_of(shop, method).adaptation_gain(method)

    def recall(support_size):
        ranked = Ranker(ByItemRow(), seed=0).rank(
            dataset.tasks("meta_validation"),
            support_size=support_size,
            support_negatives=1,
            max_users=10,
        )
        return np.nanmean(ranked.metrics().by_scenario()["recall@5"])

    assert gain["over_empty"] == pytest.approx(recall(16) - recall(0))
    assert abs(gain["over_empty"]) > 0.01
    assert gain["over_other"] == 0.0  # Any support set would do.


def test_a_method_that_heeds_no_support_gains_nothing(shop):
    method = ByItemRow(heeds_support=False)
    gain = probe_of(shop, method).adaptation_gain(method)
    assert gain == {"over_empty": 0.0, "over_other": 0.0}


def test_pictures_are_of_two_scenarios_by_their_names(shop, scenario_experiment):
    config, dataset = shop
    model = trained_model(config, dataset, RunDir(scenario_experiment.run_dir))
    found = probe_of(shop, model).modulations(model)
    assert len(found) == 2
    for name, values in found.items():
        assert name.startswith("Theme ")
        assert list(values) == model.modulation.value_names
