"""The step `export` with scenarios: a trained model to a directory for TF Serving."""

import pathlib
from collections.abc import Iterator

import numpy as np

from models.episodes.click_episodes import support_episode
from models.episodes.click_records import ScenarioTask
from models.episodes.entity_table import load_entity_table
from models.legacy_keras import tf
from models.scenario_cmml import ScenarioCMML
from models.serving.served_scenario_model import ServedScenarioModel
from pipeline.experiment.run_dir import RunDir, training_fingerprint
from pipeline.export.extra_files import write_extra_files
from pipeline.export.published_version import check_difference, publish
from pipeline.export.recorded_requests import RecordedRequest
from pipeline.export.task_request import TaskRequest, starting_with
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import LoadedScenarios, load_scenarios
from pipeline.experiment.config_file import hash_of
from pipeline.steps.export import largest_difference
from pipeline.steps.scenarios.train import trained_model
from transforms import schema
from transforms.clicks.schema import load_scenario_info

_TOLERANCE = 1e-5  # Of the largest score, or of 1 if that is less.
_CHECKED_TASKS = 16
_CHECKED_PAIRS = 512
_RECORDED_PAIRS = 10  # Of the requests that warm a server up.


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

    def build(staging: pathlib.Path, version: int) -> float:
        dataset = load_scenarios(config, dataset_dir)
        model = trained_model(config, dataset, run)
        items = load_entity_table(dataset_dir, "item", ())
        served = ServedScenarioModel(
            model,
            dataset.vectors,
            items.counts,
            dataset_dir,
            config.export.serving_options(version),
        )
        served.save(staging)
        answered = list(_answered(model, dataset, config))
        if not answered:
            raise schema.DataError(
                "meta_validation must have a scenario to check the export with: "
                "raise data.split.validation_fraction."
            )
        scores = [float(np.max(np.abs(r.outputs["score"]))) for r in answered]
        loaded = tf.saved_model.load(str(staging))
        difference = largest_difference(loaded, answered) / max(1.0, *scores)
        check_difference(difference, _TOLERANCE, staging)
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
                "label_min": 0.0,
                "label_max": 1.0,
                "num_users": info.num_users,
                "num_items": info.num_items,
                "user_features": [],
                "largest_difference": difference,
            },
            tasks=[_task_request(request) for request in answered],
            answered=answered,
        )
        return difference

    fingerprint = hash_of(training_fingerprint(config, info.fingerprint), config.export)
    return publish(config, run, fingerprint, build)


def _answered(
    model: ScenarioCMML, dataset: LoadedScenarios, config: ScenarioConfig
) -> Iterator[RecordedRequest]:
    """Yields `rank` requests of raw ids, one scenario each, and the model's answers."""
    ids = _Ids(dataset.directory)
    for task in dataset.tasks(schema.META_VALIDATION)[:_CHECKED_TASKS]:
        support = _support(task, config)
        query = {
            "query_user": task.query_user[np.newaxis, :_CHECKED_PAIRS],
            "query_item": task.query_item[np.newaxis, :_CHECKED_PAIRS],
        }
        state = model.adapt(support)
        scores = model.score(state, {k: tf.constant(v) for k, v in query.items()})
        inputs = ids.support_request(support) | {
            "query_user_id": ids.users[query["query_user"]],
            "query_item_id": ids.items[query["query_item"]],
        }
        yield RecordedRequest("rank", inputs, {"score": scores.numpy()})


def _task_request(request: RecordedRequest) -> TaskRequest:
    """Asks for a few of the query items again, for the first of the users."""
    query = starting_with("query_", request.inputs)
    items = query["query_item_id"]
    pool = sorted(set(items[0]))
    few = {name: value[:, :_RECORDED_PAIRS] for name, value in query.items()}
    return TaskRequest(
        support=starting_with("support_", request.inputs),
        profile={},
        query=few,
        wanted={
            "query_user_id": query["query_user_id"][:, 0],
            "candidate_item_id": np.array([pool], dtype=object),
            "exclude_item_id": items[:, :1],
        },
    )


def _support(task: ScenarioTask, config: ScenarioConfig) -> dict[str, tf.Tensor]:
    options = config.evaluation
    return support_episode(
        task,
        max_clicks=options.support_size,
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

    def support_request(self, support: dict[str, tf.Tensor]) -> dict[str, np.ndarray]:
        """Returns a support set as a request has it."""
        return {
            "support_user_id": self.users[support["support_user"].numpy()],
            "support_item_id": self.items[support["support_item"].numpy()],
            "support_label": support["support_label"].numpy(),
        }
