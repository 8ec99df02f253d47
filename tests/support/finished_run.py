"""What a finished run is made of."""

import numpy as np

from models.episodes.click_episodes import support_episode
from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from models.recommender import split_episode
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.training.trained import trained_model

NUM_USERS = 8


def open_run(experiment):
    """Returns the configuration of an experiment, its data set and its model."""
    config = load_experiment(experiment.config_path)
    data = setting_of(config).load(config, experiment.dataset_dir)
    return config, data, trained_model(config, data, RunDir(experiment.run_dir))


def some_tasks(data):
    """Returns support and query of some users of meta-test, or of one scenario."""
    if not hasattr(data, "tasks"):
        episodes = fixed_episodes(data.directory, "meta_test", batch_size=NUM_USERS)
        return split_episode(next(iter(episodes)))
    task = data.tasks("meta_test")[0]
    query = {
        "query_user": tf.constant(task.query_user[np.newaxis]),
        "query_item": tf.constant(task.query_item[np.newaxis]),
    }
    return support_episode(task, max_clicks=16, num_negatives=1), query
