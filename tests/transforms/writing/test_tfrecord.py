import gzip

from transforms.writing.tfrecord import encode_example, example_class, tfrecord_file

RECORD = {"ints": {"n": [1, -2]}, "floats": {"x": [0.5]}, "texts": {"id": "é"}}


def test_keys_are_encoded_in_sorted_order():
    one = encode_example(ints={"b": [1], "a": [2]})
    other = encode_example(ints={"a": [2], "b": [1]})
    assert one == other
    assert one.index(b"a") < one.index(b"b")


def test_an_empty_list_keeps_its_type():
    record = encode_example(ints={"n": []}, floats={"x": []})
    feature = example_class().FromString(record).features.feature
    assert feature["n"].WhichOneof("kind") == "int64_list"
    assert feature["x"].WhichOneof("kind") == "float_list"


def test_a_compressed_file_says_neither_time_nor_name():
    data = tfrecord_file([b"one"], compress=True)
    # Bytes 4 to 7 of gzip are the time; bit 3 of byte 3 announces a name.
    assert data[4:8] == b"\0\0\0\0"
    assert not data[3] & 0b1000
    assert gzip.decompress(data) == tfrecord_file([b"one"])


def test_a_file_without_records_is_empty():
    assert tfrecord_file([]) == b""


def test_tensorflow_reads_the_files(tmp_path):
    import tensorflow as tf

    (tmp_path / "a.tfrecord.gz").write_bytes(
        tfrecord_file([encode_example(**RECORD)] * 2, compress=True)
    )
    dataset = tf.data.TFRecordDataset(str(tmp_path / "a.tfrecord.gz"), "GZIP")
    first, _ = list(dataset.as_numpy_iterator())
    feature = tf.train.Example.FromString(first).features.feature
    assert list(feature["n"].int64_list.value) == [1, -2]
    assert list(feature["x"].float_list.value) == [0.5]
    assert list(feature["id"].bytes_list.value) == ["é".encode()]
