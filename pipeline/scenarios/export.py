"""The step `export` with scenarios: a trained model to a directory for TF Serving."""

import json
import pathlib
import time
from importlib import metadata
from typing import Any

import numpy as np

from models.entity_table import load_entity_table
from models.legacy_keras import tf
from models.scenarios.cmml import ScenarioCMML
from models.scenarios.episodes import support_episode
from models.scenarios.records import ScenarioTask
from models.scenarios.signatures import ServedScenarioModel
from pipeline.config import hash_of
from pipeline.export import write_item_names, write_request_examples
from pipeline.published_version import EXTRA_DIR, check_difference, publish
from pipeline.run_dir import RunDir, training_fingerprint, write_atomically
from pipeline.scenarios.config import ScenarioConfig
from pipeline.scenarios.loaded_scenarios import LoadedScenarios, load_scenarios
from pipeline.scenarios.train import trained_model
from transforms import schema
from transforms.scenarios.schema import load_scenario_info

_TOLERANCE = 1e-5  # Of the largest score, or of 1 if that is less.
_CHECKED_TASKS = 16
_CHECKED_PAIRS = 512
_EXAMPLE_CLICKS = 8  # Of the requests that people read.


def export(
    config: ScenarioConfig, dataset_dir: pathlib.Path, run: RunDir
) -> pathlib.Path:
    """Exports the best weights as a new version, checked before it can be seen.

    The version is loaded again and compared with the trained model on scenarios of
    meta-validation, from raw ids.

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
    info = load_scenario_info(dataset_dir)

    def build(staging: pathlib.Path) -> float:
        dataset = load_scenarios(config, dataset_dir)
        model = trained_model(config, dataset, run)
        items = load_entity_table(dataset_dir, "item", ())
        served = ServedScenarioModel(
            model,
            dataset.vectors,
            items.counts,
            dataset_dir,
            top_k=config.export.top_k,
            min_item_count=config.export.min_item_count,
        )
        served.save(staging)
        difference = _largest_difference(staging, model, dataset, config)
        _write_extra(staging, config, dataset, run)
        return difference

    fingerprint = hash_of(training_fingerprint(config, info.fingerprint), config.export)
    return publish(config, run, fingerprint, build)


def _largest_difference(
    directory: pathlib.Path,
    model: ScenarioCMML,
    dataset: LoadedScenarios,
    config: ScenarioConfig,
) -> float:
    """Compares the exported with the trained model, from raw ids."""
    rank = tf.saved_model.load(str(directory)).signatures["rank"]
    ids = _Ids(dataset.directory)
    gaps = [0.0]
    for task in dataset.tasks(schema.META_VALIDATION)[:_CHECKED_TASKS]:
        support = _support(task, config)
        query = {
            "query_user": task.query_user[np.newaxis, :_CHECKED_PAIRS],
            "query_item": task.query_item[np.newaxis, :_CHECKED_PAIRS],
        }
        trained = model.score(
            model.adapt(support), {k: tf.constant(v) for k, v in query.items()}
        )
        request = ids.support_request(support) | {
            "query_user_id": ids.users[query["query_user"]],
            "query_item_id": ids.items[query["query_item"]],
        }
        served = rank(**{name: tf.constant(value) for name, value in request.items()})
        largest = max(1.0, float(tf.reduce_max(tf.abs(trained))))
        gap = float(tf.reduce_max(tf.abs(trained - served["score"]))) / largest
        gaps.append(check_difference(gap, _TOLERANCE, directory))
    return max(gaps)


def _support(
    task: ScenarioTask, config: ScenarioConfig, max_clicks: int | None = None
) -> dict[str, tf.Tensor]:
    options = config.evaluation
    return support_episode(
        task,
        max_clicks=max_clicks or options.support_size,
        num_negatives=options.support_negatives,
    )


class _Ids:
    """Ids by row, as bytes; row 0 is empty."""

    def __init__(self, dataset_dir: pathlib.Path) -> None:
        self.users, self.items = (
            np.array([b"", *self._lines(dataset_dir, name)], dtype=object)
            for name in (schema.USER_ID, schema.ITEM_ID)
        )

    @staticmethod
    def _lines(dataset_dir: pathlib.Path, name: str) -> list[bytes]:
        path = dataset_dir / schema.VOCABULARY_DIR / f"{name}.txt"
        return path.read_bytes().split(b"\n")[:-1]

    def support_request(self, support: dict[str, tf.Tensor]) -> dict[str, Any]:
        """Returns a support set as a request has it."""
        return {
            "support_user_id": self.users[support["support_user"].numpy()],
            "support_item_id": self.items[support["support_item"].numpy()],
            "support_label": support["support_label"].numpy(),
        }


def _write_extra(
    directory: pathlib.Path,
    config: ScenarioConfig,
    dataset: LoadedScenarios,
    run: RunDir,
) -> None:
    """Writes what people and tools want to know beside the graph."""
    extra = directory / EXTRA_DIR
    manifest: dict[str, Any] = {
        "model_name": config.export.model_name,
        "setting": config.setting,
        "run": run.path.name,
        "dataset_fingerprint": dataset.info.fingerprint,
        "label_min": 0.0,
        "label_max": 1.0,
        "num_users": dataset.info.num_users,
        "num_items": dataset.info.num_items,
        "tensorflow": metadata.version("tensorflow"),
        "created": int(time.time()),
    }
    metrics = run.evaluation / "metrics.json"
    if metrics.exists():
        manifest["metrics"] = json.loads(metrics.read_text(encoding="utf-8"))["cmml"]
    write_atomically(extra / "manifest.json", json.dumps(manifest, indent=2) + "\n")
    write_item_names(extra, dataset.directory)
    task = dataset.tasks(schema.META_VALIDATION)[0]
    rows = _example_rows(task, config, _Ids(dataset.directory))
    write_request_examples(extra / "request_examples", rows)


def _example_rows(
    task: ScenarioTask, config: ScenarioConfig, ids: _Ids
) -> dict[str, dict[str, Any]]:
    """Returns a row for each signature: a few clicks, a user, and some of the pool."""
    request = ids.support_request(_support(task, config, _EXAMPLE_CLICKS))
    support = {
        name: [_plain(value) for value in values[0]] for name, values in request.items()
    }
    user = ids.users[task.query_user[0]].decode()
    pool = [_plain(item) for item in ids.items[task.pool[:_EXAMPLE_CLICKS]]]
    rank = {"query_user_id": [user] * len(pool), "query_item_id": pool}
    wanted = {"query_user_id": user, "candidate_item_id": pool, "exclude_item_id": []}
    return {"rank": support | rank, "recommend": support | wanted}


def _plain(value: Any) -> Any:
    """Turns a value of a request into what JSON can hold."""
    return value.decode() if isinstance(value, bytes) else float(value)
