import types

import numpy as np

from models.episodes.entity_table import EntityTable
from pipeline.settings.user.facts import pair_groups
from transforms.schema import Feature


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
