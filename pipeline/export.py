"""The step `export`: a trained model to a directory that TensorFlow Serving takes."""

import json
import pathlib
import time
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from models.cmml import CMML
from models.legacy_keras import tf
from models.recommender import split_episode
from models.signatures import ServedModel
from pipeline.config import Config, hash_of
from pipeline.loaded_dataset import LoadedDataset, load_dataset
from pipeline.published_version import EXTRA_DIR, check_difference, publish
from pipeline.raw_requests import raw_request
from pipeline.run_dir import RunDir, training_fingerprint, write_atomically
from pipeline.train import trained_model
from transforms import schema

NAMES_JSON = "item_names.json"
_TOLERANCE = 1e-5  # Of the largest label, or of 1 if that is less.


def export(config: Config, dataset_dir: pathlib.Path, run: RunDir) -> pathlib.Path:
    """Exports the best weights as a new version, checked before it can be seen.

    The version is written beside its place, loaded again, compared with the trained
    model on episodes from raw ids and features, and renamed in one step. Episodes are
    of meta-test, or of meta-validation where a data set keeps no user for the test.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training.

    Returns:
        The directory of the version, `<run>/export/<model_name>/<version>`.

    Raises:
        DataError: If the training is not finished or no item can be recommended.
        ExportError: If the exported model scores differently.
    """
    info = schema.load_dataset_info(dataset_dir)
    fingerprint = hash_of(training_fingerprint(config, info.fingerprint), config.export)

    def build(staging: pathlib.Path) -> float:
        dataset = load_dataset(dataset_dir)
        model = trained_model(config, dataset, run)
        served = ServedModel(
            model,
            info,
            dataset.items,
            dataset_dir,
            top_k=config.export.top_k,
            min_item_count=config.export.min_item_count,
        )
        served.save(staging)
        difference = _largest_difference(staging, model, dataset)
        tolerance = _TOLERANCE * max(1.0, info.label_max)
        check_difference(difference, tolerance, staging)
        _write_extra(staging, config, dataset, run)
        return difference

    return publish(config, run, fingerprint, build)


def _largest_difference(
    directory: pathlib.Path, model: CMML, dataset: LoadedDataset
) -> float:
    """Compares the exported with the trained model, from raw ids and features."""
    rank = tf.saved_model.load(str(directory)).signatures["rank"]
    episode, request = raw_request(dataset, _example_split(dataset), num_tasks=256)
    support, query = split_episode(episode)
    trained = model.score(model.adapt(support), query)
    served = rank(**{name: tf.constant(value) for name, value in request.items()})
    gaps = tf.boolean_mask(tf.abs(trained - served["score"]), episode["query_mask"])
    return float(tf.reduce_max(gaps))


def _example_split(dataset: LoadedDataset) -> str:
    """Names the split whose episodes the export is checked with."""
    has_test = dataset.info.num_tasks[schema.META_TEST] > 0
    return schema.META_TEST if has_test else schema.META_VALIDATION


def _write_extra(
    directory: pathlib.Path, config: Config, dataset: LoadedDataset, run: RunDir
) -> None:
    """Writes what people and tools want to know beside the graph."""
    extra = directory / EXTRA_DIR
    manifest: dict[str, Any] = {
        "model_name": config.export.model_name,
        "run": run.path.name,
        "dataset_fingerprint": dataset.info.fingerprint,
        "label_min": dataset.info.label_min,
        "label_max": dataset.info.label_max,
        "num_items": dataset.info.num_items,
        "user_features": [f.name for f in dataset.info.user_features],
        "tensorflow": metadata.version("tensorflow"),
        "created": int(time.time()),
    }
    metrics = run.evaluation / "metrics.json"
    if metrics.exists():
        manifest["metrics"] = json.loads(metrics.read_text(encoding="utf-8"))["cmml"]
    write_atomically(extra / "manifest.json", json.dumps(manifest, indent=2) + "\n")
    write_item_names(extra, dataset.directory)
    _write_request_examples(extra / "request_examples", dataset)


def write_item_names(extra: pathlib.Path, dataset_dir: pathlib.Path) -> None:
    """Writes the names of the items by id, where the data set has any."""
    vocabulary = dataset_dir / schema.VOCABULARY_DIR / f"{schema.ITEM_ID}.txt"
    names = dataset_dir / schema.NAMES_DIR / "item.txt"
    if names.exists():
        ids = vocabulary.read_text(encoding="utf-8").split("\n")[:-1]
        texts = names.read_text(encoding="utf-8").split("\n")[:-1]
        by_id = dict(zip(ids, texts, strict=True))
        text = json.dumps(by_id, ensure_ascii=False, indent=0)
        write_atomically(extra / NAMES_JSON, text)


def _write_request_examples(directory: pathlib.Path, dataset: LoadedDataset) -> None:
    """Writes requests of one task that work as they are."""
    _, request = raw_request(dataset, _example_split(dataset), num_tasks=1)
    rank = {name: _plain(values[0]) for name, values in request.items()}
    recommend = {name: value for name, value in rank.items() if name != "query_item_id"}
    recommend["exclude_item_id"] = rank["query_item_id"]
    write_request_examples(directory, {"rank": rank, "recommend": recommend})


def write_request_examples(
    directory: pathlib.Path, rows: Mapping[str, Mapping[str, Any]]
) -> None:
    """Writes the body of a REST request with one row for each signature."""
    for signature, row in rows.items():
        body = {"signature_name": signature, "instances": [row]}
        text = json.dumps(body, indent=1, ensure_ascii=False) + "\n"
        write_atomically(directory / f"{signature}.json", text)


def _plain(value: Any) -> Any:
    """Turns one row of a request into what JSON can hold."""
    if isinstance(value, np.ndarray):
        return [_plain(part) for part in value]
    return value.decode() if isinstance(value, bytes) else float(value)
