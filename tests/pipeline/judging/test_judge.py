"""A method judged on the two small experiments."""

import numpy as np
import pytest

from models.legacy_keras import tf
from pipeline.judging.judge import judge, validation_worth
from pipeline.settings.registry import load_experiment, setting_of


class OneForAll:
    """Scores every pair with 3."""

    def adapt(self, support):
        return ()

    def score(self, state, query):
        return 3.0 + tf.zeros_like(query["query_item"], tf.float32)


@pytest.fixture(params=["experiment", "scenario_experiment"])
def trial(request):
    """Configuration and data of each setting."""
    made = request.getfixturevalue(request.param)
    config = load_experiment(made.config_path)
    return config, setting_of(config).load(config, made.dataset_dir)


def test_worth_is_the_first_metric_on_meta_validation_higher_better(trial):
    config, data = trial
    setting = setting_of(config)
    main = setting.groups(config, data, "meta_validation")[0]
    assert main.split == "meta_validation"
    pairs = setting.scorer(OneForAll(), config, data)(main)
    metric = setting.metrics[0]
    mean = np.nanmean(setting.by_task(pairs)[metric.name])
    worth = validation_worth(OneForAll(), config, data)
    assert worth == pytest.approx(mean if metric.higher_is_better else -mean)


def test_a_method_is_judged_on_every_group_and_its_parts(trial):
    config, data = trial
    setting = setting_of(config)
    metrics, flags = judge(OneForAll(), config, data, "meta_test")
    groups = [one.group for one in setting.groups(config, data, "meta_test")]
    parts = {
        "user": ["pairs/warm", "pairs/new_item", "pairs/new_user", "pairs/both_new"],
        "scenario": [],  # One domain alone is not parted.
    }
    assert list(metrics) == [*groups, *parts[config.setting]]
    names = [metric.name for metric in setting.metrics]
    for by_metric in metrics.values():
        assert sorted(by_metric) == sorted(names)
    assert flags == ("constant",)
    # A constant knows no support set, and the few shoppers are asked about anyway.
    first = setting.metrics[0].name
    for group in groups:
        if "support" in group:
            own = group.partition("/")[0]
            np.testing.assert_allclose(metrics[group][first], metrics[own][first])
