"""The step `export`: a trained model to a directory that TensorFlow Serving takes."""

import functools
import gc
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.cmml import CMML
from models.legacy_keras import tf
from models.serving.task_request import RecordedRequest
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.prepared import prepared_facts, way_to_more_tasks
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.experiment.version_dir import JUDGED, read_manifest
from pipeline.export.export_of_config import export_fingerprint, trained_on
from pipeline.export.extra_files import write_extra_files
from pipeline.export.formats.format import Format, FormatSource
from pipeline.export.formats.published import publish_format
from pipeline.export.published_version import publish, validated_difference
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data, Serving
from pipeline.training.trained import (
    STEP,
    finished_refit,
    trained_model,
    wants_refit,
    whole_data,
)
from transforms.plural import counted
from transforms.schema import DataError


def export(config: Experiment, dataset_dir: pathlib.Path, run: RunDir) -> pathlib.Path:
    """Exports the best weights as a new version, checked before it can be seen.

    If the run has been refitted to all pairs, these are the weights of the refit; the
    model before goes along in `JUDGED`, for who judges versions on pairs.

    The version is written beside its place, loaded again, compared with the trained
    model on real tasks from raw ids and features, and renamed in one step.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training.

    Returns:
        The directory of the version, `<run>/export/<model_name>/<version>`.

    Raises:
        DataError: If the training is not finished, no item can be recommended, or there
            is no task to check the export with.
        ExportError: If the exported model scores differently.
    """
    digest = prepared_facts(dataset_dir).fingerprint
    refitted = finished_refit(config, digest, run)
    if refitted is None and wants_refit(config):
        say("export: of meta-train alone, since `cmml refit` has not been run")
    fingerprint = export_fingerprint(config, digest, refitted)
    facts = {
        "model_name": config.export.model_name,
        "setting": config.setting,
        "fingerprint": fingerprint,
        "dataset_fingerprint": digest,
        "trained_on": trained_on(refitted),
        "export": config.export.model_dump(mode="json"),
        "epochs": run.facts(STEP)["best_epoch"],
    }
    build = functools.partial(_build, config, dataset_dir, run, refitted, facts)
    return publish(config, run, fingerprint, build)


def _build(
    config: Experiment,
    dataset_dir: pathlib.Path,
    run: RunDir,
    refitted: RunDir | None,
    facts: Mapping[str, Any],
    staging: pathlib.Path,
    version: int,
) -> float:
    """Writes a version to a folder; returns how far it is from the trained model."""
    setting = setting_of(config)
    data = setting.load(config, dataset_dir)
    num_items = setting.serving(config, data).facts["num_items"]
    say(f"export: saving the model with {counted(num_items, 'item')}, then asking it")
    if refitted is not None:
        judged = trained_model(config, data, run)
        served = setting.serving(config, data).export(judged, version)
        served.save_rank(staging / JUDGED)
        del judged, served
        gc.collect()  # Not two models at once: Keras makes cycles of them.
    serving, model = _trained(config, data, run, refitted)
    served = serving.export(model, version)
    served.save(staging)
    recorded = _recorded(serving, model, dataset_dir)
    loaded = tf.saved_model.load(str(staging))
    difference = largest_difference(loaded, recorded)
    validated_difference(difference, serving.tolerance(recorded), staging)
    chosen = recorded[: serving.num_recorded]
    write_extra_files(
        staging,
        served,
        loaded,
        run,
        dataset_dir,
        facts={**facts, **serving.facts, "largest_difference": difference},
        words=serving.words,
        tasks=[serving.task_request(request) for request in chosen],
        example=(serving.example or serving.task_request)(chosen[0]),
        answered=chosen,
    )
    return difference


def export_formats(
    config: Experiment,
    dataset_dir: pathlib.Path,
    run: RunDir,
    formats: Sequence[Format],
) -> list[pathlib.Path]:
    """Exports as `export` does, and in other formats beside.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training.
        formats: The formats.

    Returns:
        The directory of the version, and that of each format.

    Raises:
        DataError: As of `export`.
        ExportError: If the model answers differently in a format.
    """
    version = export(config, dataset_dir, run)
    if not formats:
        return [version]
    refitted = finished_refit(config, prepared_facts(dataset_dir).fingerprint, run)
    data = setting_of(config).load(config, dataset_dir)
    serving, model = _trained(config, data, run, refitted)
    served = serving.export(model, int(version.name))
    source = FormatSource(version, read_manifest(version), served)
    return [version, *(publish_format(one, source) for one in formats)]


def _trained(
    config: Experiment, data: Data, run: RunDir, refitted: RunDir | None
) -> tuple[Serving, CMML]:
    """Returns the model that is exported, and how it becomes a served one."""
    if refitted is not None:
        data, run = whole_data(config, data, refitted), refitted
    return setting_of(config).serving(config, data), trained_model(config, data, run)


def _recorded(
    serving: Serving, model: CMML, dataset_dir: pathlib.Path
) -> list[RecordedRequest]:
    """Returns requests of known tasks with the answers of the trained model."""
    recorded = list(serving.recorded(model))
    if not recorded:
        raise DataError(
            f"{dataset_dir} must hold a task to check the export with: "
            f"{way_to_more_tasks(prepared_facts(dataset_dir).options)}."
        )
    return recorded


def largest_difference(loaded: tf.Module, recorded: Sequence[RecordedRequest]) -> float:
    """Compares a loaded SavedModel with the answers of the trained model."""
    gaps = [0.0]
    for request in recorded:
        inputs = {name: tf.constant(value) for name, value in request.inputs.items()}
        outputs = loaded.signatures[request.signature](**inputs)
        for name, value in request.outputs.items():
            gaps.append(float(np.max(np.abs(outputs[name] - value), initial=0.0)))
    return float(np.max(gaps))  # NaN if any is.
