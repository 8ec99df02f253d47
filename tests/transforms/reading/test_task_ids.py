import pytest

from transforms.reading.task_ids import read_task_ids
from transforms.schema import DataError
from transforms.writing.tfrecord import compressed_tfrecord, encode_example

SIZES = {"user": [1], "support_item": [7] * 300}  # Of more than 127 bytes.


def write(folder, name, *ids):
    path = folder / "episodes" / f"{name}.tfrecord.gz"
    path.parent.mkdir(exist_ok=True)
    records = [encode_example(ints=SIZES, texts={"task_id": one}) for one in ids]
    path.write_bytes(compressed_tfrecord(records))
    return path


def test_ids_of_a_split_come_in_the_order_of_its_files(tmp_path):
    write(tmp_path, "meta_test-00001-of-00002", "z" * 300)
    write(tmp_path, "meta_test-00000-of-00002", "\u00fc1", "u2")
    write(tmp_path, "meta_train-00000-of-00001", "other")
    assert [*read_task_ids(tmp_path, "meta_test")] == ["\u00fc1", "u2", "z" * 300]
    assert [*read_task_ids(tmp_path, "meta_validation")] == []


@pytest.mark.parametrize("change", [lambda data: data[:-9], lambda data: b"no gzip"])
def test_a_damaged_file_is_named(tmp_path, change):
    path = write(tmp_path, "meta_test-00000-of-00001", "u1")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=f"{path} is cut or damaged: remove {tmp_path}"):
        [*read_task_ids(tmp_path, "meta_test")]
