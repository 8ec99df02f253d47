"""What is said, or refused, before a run on clicks is trained."""

import pytest

from pipeline.settings.registry import load_experiment, setting_of
from pipeline.settings.scenario import readiness
from transforms.schema import DataError


@pytest.fixture(scope="module")
def config(scenario_experiment):
    return load_experiment(scenario_experiment.config_path)


@pytest.fixture(scope="module")
def data(config, scenario_dataset):
    return setting_of(config).load(config, scenario_dataset)


def test_a_cutoff_that_no_pool_is_larger_than_is_said(config, data):
    sentences = readiness.check_clicks(config, data)
    # Pools have 30 items, of which every user knows some.
    assert [sentence.split()[0] for sentence in sentences] == ["recall@50"] * 2
    assert ["meta_validation" in s for s in sentences] == [True, False]


def test_pools_too_small_for_what_decides_are_an_error(config, data, monkeypatch):
    monkeypatch.setattr(readiness, "_DECISIVE", 30)
    with pytest.raises(DataError, match=r"more than 30 candidates, .* the most are 27"):
        readiness.check_clicks(config, data)


def test_nothing_to_recommend_is_an_error(config, data, scenario_experiment):
    path = scenario_experiment.config_path
    other = load_experiment(path, ["export.min_item_count=9999"])
    with pytest.raises(DataError, match=r"export\.min_item_count = 9999 known clicks"):
        readiness.check_clicks(other, data)
