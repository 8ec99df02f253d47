import numpy as np
import pytest

from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario.data import load_scenario_data
from pipeline.settings.scenario.labelled_supports import (
    labelled_scenarios,
    permuted_draws,
)


@pytest.fixture(scope="module")
def config(scenario_experiment):
    return load_experiment(scenario_experiment.config_path)


@pytest.fixture(scope="module")
def data(config, scenario_experiment):
    return load_scenario_data(config, scenario_experiment.dataset_dir)


def test_support_sets_of_a_scenario_share_no_click(data):
    for task in data.tasks("meta_train"):
        draws = permuted_draws(task)
        places = np.concatenate(draws)
        assert len(draws) >= 2
        assert len({len(draw) for draw in draws}) == 1
        assert len(np.unique(places)) == len(places) <= task.support_item.size


def test_a_support_set_holds_its_clicks_and_as_many_negatives(config, data):
    tasks = {task.scenario_id: task for task in data.tasks("meta_train")}
    (batch,) = labelled_scenarios(config, data, None, "meta_train")
    support = batch.support
    for row, task_id in enumerate(batch.task_ids):
        task, mask = tasks[task_id], support["support_mask"][row]
        clicked = mask & (support["support_label"][row] == 1.0)
        assert clicked.sum() == batch.labels["support_size"][row] == mask.sum() / 2
        pairs = set(
            zip(
                support["support_user"][row][clicked],
                support["support_item"][row][clicked],
                strict=True,
            )
        )
        assert len(pairs) == clicked.sum()
        assert pairs <= set(zip(task.support_user, task.support_item, strict=True))


def test_scenarios_are_labelled_by_their_names(config, data):
    (batch,) = labelled_scenarios(config, data, None, "meta_test")
    assert set(batch.labels) == {"scenario", "support_size"}  # One domain is no label.
    for task_id, tag in zip(batch.task_ids, batch.labels["scenario"], strict=True):
        assert tag == f"Theme {task_id.removeprefix('t')}"
