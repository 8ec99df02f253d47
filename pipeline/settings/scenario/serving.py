"""The served form of a model of scenarios, and the requests that it is checked with."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from models.cmml import CMML
from models.episodes.click_episodes import support_episode
from models.legacy_keras import tf
from models.recommender import Episode
from models.serving.recorded_request import RecordedRequest
from models.serving.served_model import ServedModel
from models.serving.served_scenario_model import ServedScenarioModel
from models.serving.task_request import TaskRequest, starting_with
from pipeline.experiment.prepared import read_ids
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.serving import ServedWords, Serving
from transforms import schema
from transforms.clicks.schema import SCENARIO_TASKS, USER_TASKS

_TOLERANCE = 1e-5  # Of the largest score, or of 1 if that is less.
_CHECKED_TASKS = 16
_CHECKED_PAIRS = 512
_RECORDED_PAIRS = 10  # Of the requests that warm a server up.
_EXAMPLE_ITEMS = 20  # Of the requests that people read.
_EXAMPLE_CLICKS = 4  # Of these, the ones that the user is known to have clicked.
_WHERE = {SCENARIO_TASKS: "in new scenarios", USER_TASKS: "for new users"}


def scenario_serving(config: ScenarioConfig, data: ScenarioData) -> Serving:
    """Returns how a trained model of scenarios becomes a served one."""
    ids = {
        "normalize_ids": bool(data.info.options.get("normalize_ids")),
        "domains": tuple(one.name for one in data.info.domains if one.name),
    }

    def export(model: CMML, version: int) -> ServedModel:
        return ServedScenarioModel(
            model,
            data.factors,
            np.bincount(data.known.item, minlength=data.info.num_items + 1),
            data.directory,
            config.export.serving_options(version, **ids),
        )

    return Serving(
        export=export,
        recorded=lambda model: _recorded(model, config, data),
        task_request=_task_request,
        to_request=scenario_requests(data.directory),
        facts={
            "label_min": 0.0,
            "label_max": 1.0,
            "num_users": data.info.num_users,
            "num_items": data.info.num_items,
            **ids,
            "task": config.data.task,
            "user_features": [],
        },
        words=ServedWords(
            task=f"few-shot item ranking {_WHERE[config.data.task]}",
            fallback=(
                "the vector of a known user, else popularity among the candidates"
            ),
        ),
        tolerance=_tolerance,
        num_recorded=_CHECKED_TASKS,
        example=_example,
    )


def scenario_requests(
    dataset_dir: pathlib.Path,
) -> Callable[[Episode, Episode], dict[str, tf.Tensor]]:
    """Returns the way from episodes of scenarios to raw ids."""
    user_ids = tf.constant(read_ids(dataset_dir, schema.USER_ID))
    item_ids = tf.constant(read_ids(dataset_dir, schema.ITEM_ID))

    def to_request(support: Episode, query: Episode) -> dict[str, tf.Tensor]:
        return {
            "support_user_id": tf.gather(user_ids, support["support_user"]),
            "support_item_id": tf.gather(item_ids, support["support_item"]),
            "support_label": support["support_label"],
            "query_user_id": tf.gather(user_ids, query["query_user"]),
            "query_item_id": tf.gather(item_ids, query["query_item"]),
        }

    return to_request


def _recorded(
    model: CMML, config: ScenarioConfig, data: ScenarioData
) -> Iterator[RecordedRequest]:
    """Yields `rank` requests of raw ids, one scenario of meta-validation each."""
    to_request = scenario_requests(data.directory)
    options = config.evaluation
    for task in data.tasks(schema.META_VALIDATION)[:_CHECKED_TASKS]:
        support = support_episode(
            task,
            max_clicks=options.support_size,
            num_negatives=options.support_negatives,
        )
        query = {
            "query_user": tf.constant(task.query_user[np.newaxis, :_CHECKED_PAIRS]),
            "query_item": tf.constant(task.query_item[np.newaxis, :_CHECKED_PAIRS]),
        }
        scores = model.score(model.adapt(support), query)
        inputs = to_request(support, query)
        yield RecordedRequest(
            "rank",
            {name: value.numpy() for name, value in inputs.items()},
            {"score": scores.numpy()},
        )


def _tolerance(recorded: Sequence[RecordedRequest]) -> float:
    largest = [float(np.max(np.abs(one.outputs["score"]))) for one in recorded]
    return _TOLERANCE * max(1.0, *largest)


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


def _example(request: RecordedRequest) -> TaskRequest:
    """Asks for the user with most held-out clicks: these first, then others' items.

    So the first items of `rank` should score higher than those after them.
    """
    users, items = (
        request.inputs["query_user_id"][0],
        request.inputs["query_item_id"][0],
    )
    ((user, _),) = collections.Counter(users.tolist()).most_common(1)
    own = set(items[users == user])
    others = {*items, *request.inputs["support_item_id"][0]} - own
    asked = [*sorted(own)[:_EXAMPLE_CLICKS], *sorted(others)][:_EXAMPLE_ITEMS]
    pool = np.array([asked], dtype=object)
    return TaskRequest(
        support=starting_with("support_", request.inputs),
        profile={},
        query={"query_user_id": np.full(pool.shape, user), "query_item_id": pool},
        wanted={
            "query_user_id": np.array([user], dtype=object),
            "candidate_item_id": pool,
            "exclude_item_id": pool[:, -1:],
        },
    )
