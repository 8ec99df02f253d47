import numpy as np

from models.episodes.entity_table import EntityTable
from pipeline.reports.run.bands import Bands
from pipeline.reports.run.groups import banded_groups, domain_groups, feature_groups
from transforms.schema import Feature


def test_bands_without_a_member_make_no_group():
    found = banded_groups("n", "item", [0, 7, 0], Bands((0, 1, 5)))
    assert [(group.label, group.members.tolist()) for group in found] == [
        ("0", [True, False, True]),
        ("5+", [False, True, False]),
    ]


def test_pairs_belong_to_a_group_by_their_item(make_rows):
    rows = make_rows(0.1, 8)
    (group,) = banded_groups("n", "item", np.full(21, 3), Bands((0,)))
    assert group.holds(rows).all()


def feature(name, kind, size):
    return Feature(name, kind, vocabulary_size=size, max_values=2, mean=0.0, std=1.0)


def test_each_value_of_a_feature_is_a_group_unless_there_are_many(tmp_path):
    (tmp_path / "vocabulary").mkdir()
    (tmp_path / "vocabulary" / "genre.txt").write_text("drama\nhorror\n")
    table = EntityTable(
        features=(
            feature("genre", "multi", 2),
            feature("zip", "categorical", 1000),
            feature("age", "numeric", 0),
        ),
        encoded={"genre": np.array([[0, 0], [1, 2], [2, 0]])},
        counts=np.zeros(3, int),
    )
    found = feature_groups("item", table, tmp_path)
    assert [(group.kind, group.label) for group in found] == [
        ("item genre", "drama"),
        ("item genre", "horror"),
    ]
    assert found[0].members.tolist() == [False, True, False]
    assert found[1].members.tolist() == [False, True, True]


def test_domains_are_groups_of_tasks_if_there_are_several():
    found = domain_groups(["a:1", "b:1", "a:2"], ["a", "b"])
    assert [group.members.tolist() for group in found] == [
        [True, False, True],
        [False, True, False],
    ]
    assert domain_groups(["1", "2"], [""]) == []
