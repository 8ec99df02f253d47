import numpy as np
import pytest

from pipeline.export.loaded_version import load_version
from pipeline.onboarding.served_model import ServedScenarios, ServedUsers
from pipeline.onboarding.tasks import ScenarioSupport, UserEpisode, UserTask


@pytest.fixture(scope="module")
def users(experiment):
    return ServedUsers(experiment.exported)


@pytest.fixture(scope="module")
def scenarios(scenario_experiment):
    return ServedScenarios(scenario_experiment.exported)


def make_task(users, num_pairs, **features):
    items = np.array([f"f{n}" for n in range(1, num_pairs + 1)], object)
    labels = 1.0 + np.arange(num_pairs) % 5
    return UserTask("u", items, labels, users.profile(features))


def test_features_of_every_kind_are_read_as_text(users):
    assert users.profile({"gender": "F", "language": "en,fr", "age": "31"}) == {
        "user_gender": "F",
        "user_language": ["en", "fr"],
        "user_age": 31.0,
    }
    assert np.isnan(users.profile({"gender": "", "age": "old"}).pop("user_age"))


def test_a_batch_is_scored_as_requests_one_by_one(users, experiment):
    features = {"gender": "F", "language": "en,fr", "age": "31"}
    episodes = [
        UserEpisode(make_task(users, 6, **features), np.arange(4), np.array([4, 5])),
        UserEpisode(make_task(users, 8), np.array([2]), np.array([7])),
        UserEpisode(make_task(users, 5, age="50"), np.arange(0), np.array([3, 1, 0])),
    ]
    profiles = [
        {"gender": "F", "language": ["en", "fr"], "age": 31},
        {},
        {"age": 50},
    ]
    model = load_version(experiment.exported)
    for episode, scores, profile in zip(
        episodes, users.rank(episodes), profiles, strict=True
    ):
        task, query = episode.task, list(episode.task.items[episode.query])
        support = [
            {"item_id": task.items[n], "label": task.labels[n]} for n in episode.support
        ]
        request = {"support": support, "query": query, "user": profile}
        ranked = model.answer(request, 1)["ranked"]
        by_id = {item["item_id"]: item["score"] for item in ranked}
        assert scores == pytest.approx([by_id[item] for item in query], abs=1e-4)


def test_a_pool_is_scored_as_requests_one_by_one(scenarios, scenario_experiment):
    support = ScenarioSupport(
        np.array(["s1", "s1", "s2"], object),
        np.array(["g1", "g2", "g5"], object),
        np.array([1.0, 0.0, 1.0]),
    )
    asked, pool = np.array(["s3", "s4"], object), np.array(["g3", "g7", "g8"], object)
    scores = scenarios.rank(support, asked, pool)
    model = load_version(scenario_experiment.exported)
    pairs = [
        {"user_id": u, "item_id": i, "label": y}
        for u, i, y in zip(support.users, support.items, support.labels, strict=True)
    ]
    for row, user in enumerate(asked):
        request = {"support": pairs, "user_id": user, "query": list(pool)}
        ranked = model.answer(request, 1)["ranked"]
        by_id = {item["item_id"]: item["score"] for item in ranked}
        assert scores[row] == pytest.approx([by_id[item] for item in pool], abs=1e-4)
    assert scenarios.rank(support, asked[:0], pool).shape == (0, 3)


def test_a_modulation_does_not_depend_on_the_batch(users):
    episodes = [
        UserEpisode(make_task(users, size), np.arange(size), np.arange(0))
        for size in (1, 3, 6)
    ] * 6  # More than fit in a request.
    probes = np.array(["f1", "f9"], object)
    together = users.modulations(episodes, probes)
    assert len(together) == 18
    alone = users.modulations(episodes[1:2], probes)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-6)
    assert np.abs(together[0] - together[2]).max() > 1e-6
