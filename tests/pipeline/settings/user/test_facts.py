import types

import numpy as np
import pytest

from models.episodes.entity_table import EntityTable
from models.legacy_keras import tf
from pipeline.settings.user import facts
from pipeline.settings.user.facts import pair_groups
from transforms.schema import META_TRAIN, Feature


def feature(name, kind, size):
    return Feature(name, kind, vocabulary_size=size, max_values=2, mean=0.0, std=1.0)


def test_each_value_of_a_feature_is_a_group_unless_there_are_many(tmp_path):
    (tmp_path / "vocabulary").mkdir()
    (tmp_path / "vocabulary" / "genre.txt").write_text("drama\nhorror\n")
    items = EntityTable(
        features=(
            feature("genre", "multi", 2),
            feature("zip", "categorical", 1000),
            feature("age", "numeric", 0),
        ),
        encoded={"genre": np.array([[0, 0], [1, 2], [2, 0]])},
        counts=np.zeros(3, int),
    )
    users = EntityTable(features=(), encoded={}, counts=np.zeros(2, int))
    data = types.SimpleNamespace(users=users, items=items, directory=tmp_path)
    groups = pair_groups(data)
    assert [(group.kind, group.label, group.of) for group in groups] == [
        ("item genre", "drama", "item"),
        ("item genre", "horror", "item"),
    ]
    assert groups[0].members.tolist() == [False, True, False]
    assert groups[1].members.tolist() == [False, True, True]


@pytest.mark.parametrize("empty", ["support", "query"])
def test_users_are_known_by_whichever_of_both_sets_they_have(monkeypatch, empty):
    full = "query" if empty == "support" else "support"
    episode = {
        f"{full}_user": [[3, 3], [4, 0]],
        f"{full}_item": [[1, 0], [1, 0]],
        f"{full}_label": [[2.0, 5.0], [2.0, 0.0]],
        f"{full}_mask": [[True, True], [True, False]],
    }
    tensors = {name: tf.constant(rows) for name, rows in episode.items()}
    tensors |= {
        f"{empty}_{part}": tf.zeros([2, 0], tensors[f"{full}_{part}"].dtype)
        for part in ("user", "item", "label", "mask")
    }
    monkeypatch.setattr(facts, "fixed_episodes", lambda directory, split: [tensors])
    items = EntityTable(features=(), encoded={}, counts=np.zeros(2, int))
    data = types.SimpleNamespace(directory="", items=items)
    split, users = facts._user_split(data, META_TRAIN)
    assert users.tolist() == [3, 4]
    assert (split.support_sizes + split.query_sizes).tolist() == [2, 1]
    assert split.labels == {2.0: 2, 5.0: 1}
