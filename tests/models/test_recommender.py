import numpy as np

from models.legacy_keras import tf
from models.recommender import split_episode


def test_an_episode_splits_into_support_and_query_without_labels():
    keys = ("user", "item", "label", "mask")
    episode = {
        f"{half}_{k}": tf.zeros([2, 3]) for half in ("support", "query") for k in keys
    }
    support, query = split_episode({**episode, "task_id": tf.zeros([2])})
    assert set(support) == {"task_user"} | {f"support_{key}" for key in keys}
    assert set(query) == {"query_user", "query_item", "query_mask"}


def test_the_user_of_a_task_is_known_without_support():
    users = tf.constant([[3, 3], [5, 0]])
    support, _ = split_episode({"query_user": users})
    np.testing.assert_array_equal(support["task_user"], [[3], [5]])
