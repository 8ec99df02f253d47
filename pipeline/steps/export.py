"""The step `export`: a trained model to a directory that TensorFlow Serving takes."""

import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from models.cmml import CMML
from models.legacy_keras import tf
from models.recommender import split_episode
from models.serving.served_user_model import ServedUserModel
from pipeline.experiment.run_dir import RunDir, training_fingerprint
from pipeline.export.extra_files import write_extra_files
from pipeline.export.published_version import check_difference, publish
from pipeline.export.recorded_requests import RecordedRequest
from pipeline.export.task_request import TaskRequest, starting_with
from pipeline.settings.user.config import Config
from pipeline.experiment.config_file import hash_of
from pipeline.settings.user.loaded_dataset import LoadedDataset, load_dataset
from pipeline.settings.user.raw_requests import raw_request
from pipeline.steps.train import trained_model
from transforms import schema

_TOLERANCE = 1e-5  # Of the largest label, or of 1 if that is less.
_CHECKED_TASKS = 256
_RECORDED_TASKS = 64  # Whose requests and answers are kept with the version.


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

    def build(staging: pathlib.Path, version: int) -> float:
        dataset = load_dataset(dataset_dir)
        model = trained_model(config, dataset, run)
        served = ServedUserModel(
            model,
            info,
            dataset.items,
            dataset_dir,
            config.export.serving_options(version),
        )
        served.save(staging)
        answered = list(_answered(model, dataset))
        loaded = tf.saved_model.load(str(staging))
        difference = largest_difference(loaded, answered)
        tolerance = _TOLERANCE * max(1.0, info.label_max)
        check_difference(difference, tolerance, staging)
        kept = answered[:_RECORDED_TASKS]
        write_extra_files(
            staging,
            served,
            loaded,
            run,
            dataset_dir,
            facts={
                "model_name": config.export.model_name,
                "setting": config.setting,
                "fingerprint": fingerprint,
                "dataset_fingerprint": info.fingerprint,
                "label_min": info.label_min,
                "label_max": info.label_max,
                "num_items": info.num_items,
                "user_features": [f.name for f in info.user_features],
                "largest_difference": difference,
            },
            tasks=[_task_request(request) for request in kept],
            answered=kept,
        )
        return difference

    return publish(config, run, fingerprint, build)


def largest_difference(loaded: tf.Module, answered: Sequence[RecordedRequest]) -> float:
    """Compares a loaded SavedModel with the answers of the trained model."""
    gaps = [0.0]
    for request in answered:
        inputs = {name: tf.constant(value) for name, value in request.inputs.items()}
        outputs = loaded.signatures[request.signature](**inputs)
        for name, value in request.outputs.items():
            gaps.append(float(np.max(np.abs(outputs[name] - value), initial=0.0)))
    return float(np.max(gaps))  # NaN if any is.


def _answered(model: CMML, dataset: LoadedDataset) -> Iterator[RecordedRequest]:
    """Yields `rank` requests of raw ids and features, one task each, and the answers.

    The answers are those of the trained model, to the same tasks as encoded rows.
    """
    split = _example_split(dataset)
    episode, inputs = raw_request(dataset, split, num_tasks=_CHECKED_TASKS)
    support, query = split_episode(episode)
    scores = model.score(model.adapt(support), query).numpy()
    sizes = {
        role: episode[f"{role}_mask"].numpy().sum(axis=1)
        for role in ("support", "query")
    }
    for task in range(len(scores)):
        size = {role: values[task] for role, values in sizes.items()}
        yield RecordedRequest(
            "rank",
            {
                name: _without_padding(value[task : task + 1], name, size)
                for name, value in inputs.items()
            },
            {"score": scores[task : task + 1, : size["query"]]},
        )


def _without_padding(
    value: np.ndarray, name: str, size: Mapping[str, int]
) -> np.ndarray:
    role = name.partition("_")[0]
    return value[:, : size[role]] if role in size else value


def _task_request(request: RecordedRequest) -> TaskRequest:
    query = starting_with("query_", request.inputs)
    return TaskRequest(
        support=starting_with("support_", request.inputs),
        profile=starting_with("user_", request.inputs),
        query=query,
        wanted={"exclude_item_id": query["query_item_id"]},
    )


def _example_split(dataset: LoadedDataset) -> str:
    """Names the split whose episodes the export is checked with."""
    has_test = dataset.info.num_tasks[schema.META_TEST] > 0
    return schema.META_TEST if has_test else schema.META_VALIDATION
