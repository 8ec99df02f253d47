"""The ids of the tasks of a prepared data set, without TensorFlow."""

import gzip
import pathlib
import zlib
from collections.abc import Iterator

from transforms.prepared_files import records_of
from transforms.schema import EPISODES_DIR, TASK_ID_KEY, DataError


def read_task_ids(dataset_dir: pathlib.Path, split: str) -> Iterator[str]:
    """Yields the ids of the tasks of a split, in the order of their records.

    Args:
        dataset_dir: The prepared data set.
        split: The split.

    Raises:
        DataError: If a file is cut or damaged; it names the file.
    """
    for path in sorted((dataset_dir / EPISODES_DIR).glob(f"{split}-*.tfrecord.gz")):
        try:
            content = gzip.decompress(path.read_bytes())
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise DataError(
                f"{path} is cut or damaged: remove {dataset_dir}, then `cmml prepare`."
            ) from None
        for record in records_of(content):
            yield _text_of(record, TASK_ID_KEY.encode())


def _text_of(example: memoryview, key: bytes) -> str:
    """Returns the one text of a feature of a `tf.train.Example`; "" if it has none."""
    (features,) = _fields(example)
    for entry in _fields(features):
        name, feature = _fields(entry)
        if name == key:
            (values,) = _fields(feature)
            (text,) = _fields(values)
            return bytes(text).decode()
    return ""


def _fields(message: memoryview) -> list[memoryview]:
    """Returns the fields of a message all of whose fields hold bytes, in order."""
    fields = []
    place = 0
    while place < len(message):
        place += 1  # The tag: numbers are below 16.
        size = shift = 0
        while True:  # Seven bits a byte, the low ones first.
            byte = message[place]
            place += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        fields.append(message[place : place + size])
        place += size
    return fields
