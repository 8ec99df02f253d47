from transforms.ratings.episode_files import (
    EntityRows,
    WriteEpisodes,
    encode_episode,
    episode_file,
)
from transforms.ratings.episodes import Pairs, Task, TaskShard
from transforms.writing.output_files import OutputFiles
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


def test_file_names_say_split_and_shard():
    name = "episodes/meta_train-00002-of-00012.tfrecord.gz"
    assert episode_file("meta_train", 2, 12) == name


def test_every_split_has_a_file_even_if_it_is_empty(tmp_path, read_records):
    write = WriteEpisodes(OutputFiles(str(tmp_path)), num_shards=1)
    assert list(write.process(TaskShard(0, [TASK], {}), ROWS)) == [1]
    numbers = {
        path.name.split("-")[0]: len(read_records(path))
        for path in (tmp_path / "episodes").iterdir()
    }
    assert numbers == {"meta_train": 0, "meta_validation": 0, "meta_test": 1}
