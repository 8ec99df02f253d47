import gzip

import numpy as np
import pytest
from example_message import example_class

from transforms.writing.tfrecord import (
    ExampleEncoder,
    PackedInts,
    compressed_tfrecord,
    encode_example,
    tfrecord_parts,
)

RECORD = {"ints": {"n": [1, -2]}, "floats": {"x": [0.5]}, "texts": {"id": "é"}}


def test_keys_are_encoded_in_sorted_order():
    one = encode_example(ints={"b": [1], "a": [2]})
    other = encode_example(ints={"a": [2], "b": [1]})
    assert one == other
    assert one.index(b"a") < one.index(b"b")


@pytest.mark.parametrize("numbers", [[0], [127, 128, 300, 1 << 40], [-1, 5], [7] * 99])
def test_the_bytes_are_those_of_a_protocol_buffer(numbers):
    example = example_class()()
    feature = example.features.feature
    feature["n" * len(numbers)].int64_list.value.extend(numbers)
    feature["empty"].float_list.SetInParent()
    feature["x"].float_list.value.extend([0.1, 2.0])
    feature["id"].bytes_list.value.append("é".encode() * 90)
    record = encode_example(
        ints={"n" * len(numbers): numbers},
        floats={"x": [0.1, 2.0], "empty": []},
        texts={"id": "é" * 90},
    )
    assert record == example.SerializeToString(deterministic=True)


def test_a_stretch_of_packed_integers_is_what_they_are_alone():
    numbers = [5, 0, 127, 128, 16383, 16384, 1 << 62]
    packed = PackedInts(np.array(numbers))
    starts, ends = np.array([0, 2, 7, 0]), np.array([2, 6, 7, 7])
    for start, end, data in zip(
        starts, ends, packed.bytes_of(starts, ends), strict=True
    ):
        record = encode_example(ints={"n": numbers[start:end]})
        assert encode_example(ints={"n": data}) == record
    assert PackedInts(np.zeros(0, int)).bytes_of([0], [0]) == [b""]


def test_examples_of_the_same_keys_are_encoded_alike():
    encoder = ExampleEncoder(ints=["row", "tags"], floats=["x"], texts=["id"])
    assert encoder.keys == ["id", "row", "tags", "x"]
    for text, row, tags in (("a", 1, [2, 300]), ("é" * 90, 128, []), ("b", 2, [1])):
        values = [
            text.encode(),
            *PackedInts(np.array([row])).each(),
            PackedInts(np.array(tags, int)).all_bytes(),
            np.array([0.5], "<f4").tobytes(),
        ]
        assert encoder.encode(values) == encode_example(
            ints={"row": [row], "tags": tags}, floats={"x": [0.5]}, texts={"id": text}
        )


def test_an_empty_list_keeps_its_type():
    record = encode_example(ints={"n": []}, floats={"x": []})
    feature = example_class().FromString(record).features.feature
    assert feature["n"].WhichOneof("kind") == "int64_list"
    assert feature["x"].WhichOneof("kind") == "float_list"


def test_a_compressed_file_says_neither_time_nor_name():
    data = compressed_tfrecord([b"one"])
    # Bytes 4 to 7 of gzip are the time; bit 3 of byte 3 announces a name.
    assert data[4:8] == b"\0\0\0\0"
    assert not data[3] & 0b1000
    assert gzip.decompress(data) == b"".join(tfrecord_parts([b"one"]))


def test_a_file_without_records_is_empty():
    assert list(tfrecord_parts([])) == []


def test_tensorflow_reads_the_files(tmp_path):
    import tensorflow as tf

    (tmp_path / "a.tfrecord.gz").write_bytes(
        compressed_tfrecord([encode_example(**RECORD)] * 2)
    )
    dataset = tf.data.TFRecordDataset(str(tmp_path / "a.tfrecord.gz"), "GZIP")
    first, _ = list(dataset.as_numpy_iterator())
    feature = tf.train.Example.FromString(first).features.feature
    assert list(feature["n"].int64_list.value) == [1, -2]
    assert list(feature["x"].float_list.value) == [0.5]
    assert list(feature["id"].bytes_list.value) == ["é".encode()]
