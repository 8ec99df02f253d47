from transforms.ratings.episodes import Pairs, Task
from transforms.ratings.records import encode_episode
from transforms.writing.entity_files import EntityRows
from transforms.writing.tfrecord import example_class

ROWS = EntityRows({"u": 4}, {"a": 1, "b": 2, "c": 3})
TASK = Task("u", "meta_test", Pairs(["c", "a"], [5.0, 1.5]), Pairs(["b"], [3.0]))


def test_an_episode_holds_rows_instead_of_ids():
    feature = example_class().FromString(encode_episode(TASK, ROWS)).features.feature
    assert feature["task_id"].bytes_list.value == [b"u"]
    assert feature["user"].int64_list.value == [4]
    assert feature["support/item"].int64_list.value == [3, 1]
    assert feature["support/label"].float_list.value == [5.0, 1.5]
    assert feature["query/item"].int64_list.value == [2]
    assert feature["query/label"].float_list.value == [3.0]
