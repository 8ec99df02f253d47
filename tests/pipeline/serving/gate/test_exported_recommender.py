import json
import shutil

import numpy as np
import pytest
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.settings.user.loaded_dataset import load_dataset
from pipeline.steps.scenarios import train as scenario_train

from models.episodes.click_episodes import support_episode
from models.episodes.click_records import load_tasks
from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from models.recommender import Recommender, split_episode
from pipeline.experiment.run_dir import RunDir
from pipeline.serving.gate.exported_recommender import (
    ExportedRecommender,
    scenario_requests,
    user_requests,
)
from pipeline.settings.registry import load_config, load_experiment
from pipeline.steps.train import trained_model


@pytest.fixture
def limited(tmp_path):
    """Copies a version whose manifest allows queries of so many pairs."""

    def copy(version_dir, max_query):
        directory = shutil.copytree(version_dir, tmp_path / version_dir.name)
        path = directory / "assets.extra" / "manifest.json"
        manifest = json.loads(path.read_text()) | {"limits": {"max_query": max_query}}
        path.write_text(json.dumps(manifest))
        return directory

    return copy


def scores_of(method, support, query):
    score = tf.function(lambda s, q: method.score(method.adapt(s), q))
    return score(support, query).numpy()


@pytest.mark.parametrize("max_query", [1000, 2, 1])
def test_users_get_the_scores_of_the_trained_model(experiment, limited, max_query):
    dataset = load_dataset(experiment.dataset_dir)
    model = trained_model(
        load_config(experiment.config_path), dataset, RunDir(experiment.run_dir)
    )
    episode = next(iter(fixed_episodes(experiment.dataset_dir, "meta_test")))
    support, query = split_episode(episode)
    exported = ExportedRecommender(
        limited(experiment.exported, max_query), user_requests(dataset)
    )
    assert isinstance(exported, Recommender)
    expected = model.score(model.adapt(support), query).numpy()
    assert np.ptp(expected) > 0.1  # Or agreement would mean little.
    found = scores_of(exported, support, query)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("max_query", [1000, 7])
def test_scenarios_get_the_scores_of_the_trained_model(
    scenario_experiment, limited, max_query
):
    config = load_experiment(scenario_experiment.config_path)
    dataset_dir = scenario_experiment.dataset_dir
    dataset = load_scenarios(config, dataset_dir)
    model = scenario_train.trained_model(
        config, dataset, RunDir(scenario_experiment.run_dir)
    )
    task = load_tasks(dataset_dir, "meta_test", dataset.info.num_negatives)[0]
    support = support_episode(task, max_clicks=16, num_negatives=1)
    query = {
        "query_user": tf.constant(task.query_user[np.newaxis]),
        "query_item": tf.constant(task.query_item[np.newaxis]),
    }
    exported = ExportedRecommender(
        limited(scenario_experiment.exported, max_query),
        scenario_requests(dataset_dir),
    )
    expected = model.score(model.adapt(support), query).numpy()
    found = scores_of(exported, support, query)
    np.testing.assert_allclose(found, expected, atol=1e-4)
