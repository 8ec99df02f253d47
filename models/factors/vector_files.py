"""Vectors on disk, as tables of entities."""

import dataclasses
import json
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.whole_files import paths_named
from transforms.prepared_files import PreparedFile, damage, look_at
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
    try:
        _write(staging, vectors, facts)
        shutil.rmtree(directory, ignore_errors=True)
        os.replace(staging, directory)
    except BaseException:  # Such as a full disk.
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _write(staging: pathlib.Path, vectors: Vectors, facts: Mapping[str, Any]) -> None:
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
        "blends": vectors.blends,
        "strengths": vectors.strengths.tolist(),
        "ridge_clicks": vectors.ridge_clicks,
        "count_weight": vectors.count_weight,
        "mean_weight": vectors.mean_weight,
        "num_fallbacks": vectors.num_fallbacks,
    }
    files = {path.name: look_at(path) for path in sorted(staging.iterdir())}
    files_json = {name: dataclasses.asdict(file) for name, file in files.items()}
    text = json.dumps({**shape, **facts, "files": files_json}, indent=2) + "\n"
    with paths_named(staging):
        (staging / VECTORS_JSON).write_text(text, encoding="utf-8")
        (staging / SUCCESS).touch()


def load_vectors(directory: pathlib.Path, *, with_folds: bool = True) -> Vectors:
    """Reads vectors.

    Args:
        directory: Where they are.
        with_folds: Whether to keep the fits without a fold too, which training alone
            needs and which are a multiple of the others.

    Raises:
        DataError: If they are not there, or a file is missing, cut or damaged; the
            message names it.
    """
    if not (directory / SUCCESS).is_file():
        raise DataError(
            f"{directory} holds no vectors (no {SUCCESS}): run `cmml pretrain`."
        )
    try:
        facts = json.loads((directory / VECTORS_JSON).read_text(encoding="utf-8"))
        files = {name: PreparedFile(**file) for name, file in facts["files"].items()}
        wrong = damage(directory, files)
    except (OSError, ValueError, KeyError):
        wrong = f"{VECTORS_JSON} does not say what its files must be"
    if wrong is not None:
        raise DataError(
            f"{directory} must be as it was written, but {wrong}: remove it and run "
            "`cmml pretrain`."
        )
    shape = facts["num_fits"], facts["width"]
    num_kept = facts["num_fits"] if with_folds else facts["per_fold"]
    users, items = (
        _load_table(directory, kind, shape, num_kept) for kind in ("user", "item")
    )
    fallbacks = tuple((users, items) for users, items in facts["num_fallbacks"])
    pool, without = facts["blends"]
    return Vectors(
        users,
        items,
        fallbacks,
        facts["num_further"],
        facts["num_linear"],
        facts["per_fold"],
        ((pool[0], pool[1]), (without[0], without[1])),
        np.asarray(facts["strengths"], np.float32),
        facts["ridge_clicks"],
        facts["count_weight"],
        facts["mean_weight"],
    )


def _load_table(
    directory: pathlib.Path, kind: str, shape: tuple[int, int], num_kept: int
) -> np.ndarray:
    spec = {
        ENTITY_ROW_KEY: tf.io.FixedLenFeature([], tf.int64),
        _VECTOR_KEY: tf.io.FixedLenFeature(list(shape), tf.float32),
    }
    paths = sorted(str(path) for path in directory.glob(f"{kind}-*.tfrecord"))
    records = tf.data.TFRecordDataset(paths).batch(4096)
    # Each batch goes as the table comes: vectors are too many to be held twice.
    parsed = (tf.io.parse_example(batch, spec) for batch in records)
    batches = [batch[_VECTOR_KEY][:, :num_kept] for batch in parsed]
    end = sum(len(batch) for batch in batches)
    table = np.empty([num_kept, end, shape[1]], np.float32)
    while batches:
        values = np.swapaxes(batches.pop().numpy(), 0, 1)
        start = end - values.shape[1]
        table[:, start:end] = values
        end = start
    return table


def _encode(row: int, values: np.ndarray) -> bytes:
    features = {
        ENTITY_ROW_KEY: tf.train.Feature(int64_list=tf.train.Int64List(value=[row])),
        _VECTOR_KEY: tf.train.Feature(
            float_list=tf.train.FloatList(value=values.tolist())
        ),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)
