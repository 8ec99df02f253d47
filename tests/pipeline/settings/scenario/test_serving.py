import types

import numpy as np
import pytest

from models.serving.task_request import RecordedRequest
from pipeline.experiment.prepared import read_ids
from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario.data import load_scenario_data
from pipeline.settings.scenario.serving import scenario_serving


class ByLabels:
    """Scores every query pair with the number of clicks in the support set."""

    def adapt(self, support):
        return np.sum(support["support_label"], axis=1, keepdims=True)

    def score(self, state, query):
        scores = state + np.zeros(query["query_item"].shape, np.float32)
        return types.SimpleNamespace(numpy=lambda: scores)


@pytest.fixture(scope="module")
def data(scenario_experiment):
    config = load_experiment(scenario_experiment.config_path)
    return load_scenario_data(config, scenario_experiment.dataset_dir)


@pytest.fixture(scope="module")
def serving(scenario_experiment, data):
    return scenario_serving(load_experiment(scenario_experiment.config_path), data)


def test_recorded_requests_are_of_one_scenario_each_with_its_answer(serving, data):
    recorded = list(serving.recorded(ByLabels()))
    tasks = data.tasks("meta_validation")
    assert len(recorded) == min(16, len(tasks))
    for request, task in zip(recorded, tasks, strict=False):
        num_clicks = min(16, task.support_item.size)
        assert request.inputs["support_label"].sum() == num_clicks
        users = request.inputs["query_user_id"][0]
        # As the raw tables were written.
        assert users[0].startswith(b"s")
        assert len(users) == task.query_user.size
        np.testing.assert_allclose(
            request.outputs["score"], [[num_clicks] * len(users)]
        )


def test_a_task_asks_for_its_first_user_from_a_pool_without_repeats(serving):
    recorded = next(serving.recorded(ByLabels()))
    task = serving.task_request(recorded)
    assert task.query["query_item_id"].shape[1] <= 10
    user = task.wanted["query_user_id"]
    assert user.tolist() == [recorded.inputs["query_user_id"][0, 0]]
    (pool,) = task.wanted["candidate_item_id"].tolist()
    assert pool == sorted(set(recorded.inputs["query_item_id"][0]))


def test_an_example_asks_for_one_user_about_own_clicks_and_others(serving, data):
    recorded = next(serving.recorded(ByLabels()))
    example = serving.example(recorded)
    users, items = (example.query[f"query_{role}_id"][0] for role in ("user", "item"))
    (user,) = example.wanted["query_user_id"]
    assert set(users) == {user}
    asked = (recorded.inputs[f"query_{role}_id"][0] for role in ("user", "item"))
    own = sorted(item for who, item in zip(*asked, strict=True) if who == user)
    first = own[:4]
    assert first
    assert items[: len(first)].tolist() == first
    assert not set(items[len(first) :]) & set(own)
    assert len(set(items)) == len(items) == 20
    assert example.wanted["candidate_item_id"].tolist() == [items.tolist()]
    pool = read_ids(data.directory, "item_id")[data.tasks("meta_validation")[0].pool]
    assert set(items) <= {item.encode() for item in pool}
    assert example.wanted["exclude_item_id"].tolist() == [[items[-1]]]


@pytest.mark.parametrize(
    ("scores", "tolerance"), [([0.5, -0.2], 1e-5), ([0.5, -300.0], 3e-3)]
)
def test_scores_may_differ_by_a_share_of_the_largest(serving, scores, tolerance):
    recorded = [
        RecordedRequest("rank", {}, {"score": np.array([[score]])}) for score in scores
    ]
    assert serving.tolerance(recorded) == pytest.approx(tolerance)
