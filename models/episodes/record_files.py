"""The files of records of a prepared data set."""

import pathlib

from models.legacy_keras import tf


def read_records(directory: pathlib.Path, *kinds: str) -> tf.data.Dataset:
    """Returns all serialized records of some kinds, such as splits, in their order.

    Args:
        directory: A folder of the data set.
        *kinds: What the names of their files start with.

    Raises:
        ValueError: If there is no file of a kind.
    """
    paths: list[str] = []
    for kind in kinds:
        found = sorted(str(path) for path in directory.glob(f"{kind}-*.tfrecord.gz"))
        if not found:
            raise ValueError(f"{directory} holds no records of {kind!r}.")
        paths += found
    return tf.data.TFRecordDataset(paths, compression_type="GZIP")
