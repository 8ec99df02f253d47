import dataclasses
import types

import numpy as np
import pytest

from models.recommender import split_episode
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.data import load_user_data
from pipeline.settings.user.serving import user_requests, user_serving


class ByLabels:
    """Scores every query pair with the sum of the support labels."""

    def adapt(self, support):
        return np.sum(support["support_label"], axis=1, keepdims=True)

    def score(self, state, query):
        scores = state + np.zeros(query["query_item"].shape, np.float32)
        return types.SimpleNamespace(numpy=lambda: scores)


@pytest.fixture(scope="module")
def data(experiment):
    return load_user_data(experiment.dataset_dir)


@pytest.fixture(scope="module")
def serving(experiment, data):
    return user_serving(load_experiment(experiment.config_path), data)


@pytest.fixture(scope="module")
def episode_and_request(data):
    episode = next(iter(data.episodes("meta_test", 40, 5)))
    request = user_requests(data)(*split_episode(episode))
    return episode, {name: value.numpy() for name, value in request.items()}


def test_a_request_has_the_inputs_of_rank(episode_and_request):
    episode, request = episode_and_request
    assert {name: values.shape for name, values in request.items()} == {
        "support_item_id": (5, 9),  # 12 ratings less 3 query pairs.
        "support_label": (5, 9),
        "query_item_id": (5, 3),
        "user_gender": (5,),
        "user_language": (5, 8),
        "user_age": (5,),
    }
    assert len(episode["task_id"]) == 5


def test_ids_and_features_are_those_of_the_raw_tables(episode_and_request):
    episode, request = episode_and_request
    for row, task_id in enumerate(episode["task_id"].numpy()):
        user = int(task_id.decode().removeprefix("ü"))
        # As the raw tables were written.
        assert request["user_gender"][row] == (b"M" if user % 2 else b"F")
        languages = [b"en", b"fr"] if user % 3 else [b"de"]
        assert [value for value in request["user_language"][row] if value] == languages
        assert request["user_age"][row] == 20 + user
        items = np.concatenate(
            [request["support_item_id"][row], request["query_item_id"][row]]
        )
        rated = {f"f{item}".encode() for item in range(1, 15) if (user + item) % 7}
        assert set(items) == rated
        labels = [
            1 + (user * int(item[1:]) + user // 3) % 5
            for item in request["support_item_id"][row]
        ]
        np.testing.assert_array_equal(request["support_label"][row], labels)


def test_recorded_requests_are_of_one_task_each_with_its_answer(serving, data):
    recorded = list(serving.recorded(ByLabels()))
    assert len(recorded) == data.info.num_tasks["meta_test"]
    for request in recorded:
        assert request.signature == "rank"
        assert {value.shape[0] for value in request.inputs.values()} == {1}
        total = request.inputs["support_label"].sum()
        np.testing.assert_allclose(request.outputs["score"], [[total] * 3])


def test_without_meta_test_the_requests_are_of_meta_validation(experiment, data):
    num_tasks = {**data.info.num_tasks, "meta_test": 0}
    info = dataclasses.replace(data.info, num_tasks=num_tasks)
    without = dataclasses.replace(data, info=info)
    config = load_experiment(experiment.config_path)
    recorded = list(user_serving(config, without).recorded(ByLabels()))
    assert len(recorded) == num_tasks["meta_validation"]


def test_a_task_is_asked_not_to_be_recommended_what_is_ranked(serving):
    recorded = next(serving.recorded(ByLabels()))
    task = serving.task_request(recorded)
    assert task.rank.keys() == recorded.inputs.keys()
    assert task.wanted["exclude_item_id"] is task.query["query_item_id"]


def test_scores_may_differ_by_a_share_of_the_largest_label(serving):
    assert serving.tolerance([]) == pytest.approx(5e-5)  # Of 5 stars.
