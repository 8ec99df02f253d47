"""Vectors on disk, as tables of entities."""

import json
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

from models.factors.vectors import Vectors
from models.legacy_keras import tf
from transforms.schema import ENTITY_ROW_KEY, SUCCESS, DataError

VECTORS_JSON = "vectors.json"

_VECTOR_KEY = "vector"  # All fits one after the other, float32 [fits * D].


def save_vectors(
    directory: pathlib.Path, vectors: Vectors, facts: Mapping[str, Any]
) -> None:
    """Writes vectors so that nobody ever sees half of them.

    Args:
        directory: Where they go; what is there is replaced.
        vectors: The vectors.
        facts: What people want to know, for `vectors.json`.
    """
    staging = directory.with_name(f".{directory.name}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for kind, table in (("user", vectors.users), ("item", vectors.items)):
        path = staging / f"{kind}-00000-of-00001.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for row, values in enumerate(np.swapaxes(table, 0, 1)):
                writer.write(_encode(row, values.ravel()))
    shape = {
        "num_fits": vectors.users.shape[0],
        "width": vectors.users.shape[-1],
        "num_further": vectors.num_further,
        "num_linear": vectors.num_linear,
        "per_fold": vectors.per_fold,
        "num_fallbacks": vectors.num_fallbacks,
    }
    text = json.dumps({**shape, **facts}, indent=2) + "\n"
    (staging / VECTORS_JSON).write_text(text, encoding="utf-8")
    (staging / SUCCESS).touch()
    shutil.rmtree(directory, ignore_errors=True)
    os.replace(staging, directory)


def load_vectors(directory: pathlib.Path) -> Vectors:
    """Reads vectors.

    Raises:
        DataError: If they are not there or not complete.
    """
    if not (directory / SUCCESS).is_file():
        raise DataError(
            f"{directory} holds no vectors (no {SUCCESS}): run `cmml pretrain`."
        )
    facts = json.loads((directory / VECTORS_JSON).read_text(encoding="utf-8"))
    shape = facts["num_fits"], facts["width"]
    users, items = (_load_table(directory, kind, shape) for kind in ("user", "item"))
    fallbacks = tuple((users, items) for users, items in facts["num_fallbacks"])
    units = facts["num_further"], facts["num_linear"]
    return Vectors(users, items, fallbacks, *units, facts["per_fold"])


def _load_table(
    directory: pathlib.Path, kind: str, shape: tuple[int, int]
) -> np.ndarray:
    spec = {
        ENTITY_ROW_KEY: tf.io.FixedLenFeature([], tf.int64),
        _VECTOR_KEY: tf.io.FixedLenFeature(list(shape), tf.float32),
    }
    paths = sorted(str(path) for path in directory.glob(f"{kind}-*.tfrecord"))
    if not paths:
        raise DataError(
            f"{directory} holds no {kind}-*.tfrecord: remove it and run "
            "`cmml pretrain`."
        )
    records = tf.data.TFRecordDataset(paths).batch(4096)
    batches = [tf.io.parse_example(batch, spec) for batch in records]
    rows = np.concatenate([batch[ENTITY_ROW_KEY].numpy() for batch in batches])
    if not np.array_equal(rows, np.arange(len(rows))):
        raise DataError(f"rows of {directory}/{kind}-* must run from 0, got {rows}.")
    values = np.concatenate([batch[_VECTOR_KEY].numpy() for batch in batches])
    return np.ascontiguousarray(np.swapaxes(values, 0, 1))


def _encode(row: int, values: np.ndarray) -> bytes:
    features = {
        ENTITY_ROW_KEY: tf.train.Feature(int64_list=tf.train.Int64List(value=[row])),
        _VECTOR_KEY: tf.train.Feature(float_list=tf.train.FloatList(value=values)),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)
