from typing import NamedTuple

from rated_tasks import texts

from transforms.writing.entity_files import write_vocabulary
from transforms.writing.episode_files import WriteEpisodes, shard_file
from transforms.writing.output_files import OutputFiles
from transforms.writing.tfrecord import encode_example


class Task(NamedTuple):
    name: str
    split: str


def encode(shard, tasks, rows):
    for task in tasks:
        (row,) = rows.items.of(texts([task.name])).tolist()
        yield task.split, encode_example(ints={"row": [row]})


def test_file_names_say_split_and_shard():
    name = "episodes/meta_train-00002-of-00012.tfrecord.gz"
    assert shard_file("episodes", "meta_train", 2, 12) == name


def test_every_split_has_a_file_even_if_it_is_empty(tmp_path, read_records):
    files = OutputFiles(str(tmp_path))
    write_vocabulary(files, "user_id", [])
    write_vocabulary(files, "item_id", ["a", "b"])
    write = WriteEpisodes(files, 1, encode)
    tasks = [Task("b", "meta_test"), Task("a", "meta_train"), Task("a", "meta_test")]
    assert list(write.process((0, tasks))) == [3]
    rows_by_split = {
        path.name.split("-")[0]: [record["row"] for record in read_records(path)]
        for path in (tmp_path / "episodes").iterdir()
    }
    assert rows_by_split == {
        "meta_train": [[1]],
        "meta_validation": [],
        "meta_test": [[2], [1]],
    }
