"""The step `export`: a trained model to a directory that TensorFlow Serving takes."""

import json
import os
import pathlib
import shutil
import time
from importlib import metadata
from typing import Any

import numpy as np

from models.cmml import CMML
from models.legacy_keras import tf
from models.recommender import split_episode
from models.signatures import ServedModel
from pipeline.config import Config, hash_of
from pipeline.loaded_dataset import LoadedDataset, load_dataset
from pipeline.progress import say
from pipeline.raw_requests import raw_request
from pipeline.run_dir import RunDir, training_fingerprint, write_atomically
from pipeline.train import trained_model
from transforms import schema

STEP = "export"
EXTRA_DIR = "assets.extra"
NAMES_JSON = "item_names.json"
_TOLERANCE = 1e-5  # Of the largest label, or of 1 if that is less.


class ExportError(RuntimeError):
    """An exported model that does not do what the trained one does."""


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
    version = run.facts(STEP).get("version")
    base = run.export / config.export.model_name
    if run.is_done(STEP, fingerprint) and (base / str(version)).is_dir():
        say(f"export: {base / str(version)} is up to date")
        return base / str(version)
    dataset = load_dataset(dataset_dir)
    model = trained_model(config, dataset, run)
    version = str(int(time.time()))
    staging = base / f".staging-{version}"
    for leftover in base.glob(".staging-*"):
        shutil.rmtree(leftover)
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
    if not difference <= tolerance:
        raise ExportError(
            f"scores of {staging} must agree with the trained model within "
            f"{tolerance:g}, got a difference of {difference}."
        )
    _write_extra(staging, config, dataset, run)
    os.replace(staging, base / version)
    run.record(STEP, fingerprint, version=version, largest_difference=difference)
    say(f"export: wrote {base / version}, scores agree within {difference:.1e}")
    return base / version


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
    vocabulary = dataset.directory / schema.VOCABULARY_DIR / f"{schema.ITEM_ID}.txt"
    names = dataset.directory / schema.NAMES_DIR / "item.txt"
    if names.exists():
        ids = vocabulary.read_text(encoding="utf-8").split("\n")[:-1]
        texts = names.read_text(encoding="utf-8").split("\n")[:-1]
        by_id = dict(zip(ids, texts, strict=True))
        text = json.dumps(by_id, ensure_ascii=False, indent=0)
        write_atomically(extra / NAMES_JSON, text)
    _write_request_examples(extra / "request_examples", dataset)


def _write_request_examples(directory: pathlib.Path, dataset: LoadedDataset) -> None:
    """Writes bodies of REST requests that work as they are."""
    _, request = raw_request(dataset, _example_split(dataset), num_tasks=1)
    rank = {name: _plain(values[0]) for name, values in request.items()}
    recommend = {name: value for name, value in rank.items() if name != "query_item_id"}
    recommend["exclude_item_id"] = rank["query_item_id"]
    for signature, row in (("rank", rank), ("recommend", recommend)):
        body = {"signature_name": signature, "instances": [row]}
        text = json.dumps(body, indent=1, ensure_ascii=False) + "\n"
        write_atomically(directory / f"{signature}.json", text)


def _plain(value: Any) -> Any:
    """Turns one row of a request into what JSON can hold."""
    if isinstance(value, np.ndarray):
        return [_plain(part) for part in value]
    return value.decode() if isinstance(value, bytes) else float(value)
