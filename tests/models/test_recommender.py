from models.legacy_keras import tf
from models.recommender import split_episode


def test_an_episode_splits_into_support_and_query_without_labels():
    keys = ("user", "item", "label", "mask")
    episode = {
        f"{half}_{k}": tf.zeros([1]) for half in ("support", "query") for k in keys
    }
    support, query = split_episode({**episode, "task_id": tf.zeros([1])})
    assert set(support) == {f"support_{key}" for key in keys}
    assert set(query) == {"query_user", "query_item", "query_mask"}
