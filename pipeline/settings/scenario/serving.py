"""The served form of a model of scenarios, and the requests that it is checked with."""

import collections
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from models.cmml import CMML
from models.episodes.click_episodes import support_episode
from models.legacy_keras import tf
from models.recommender import Episode
from models.serving.served_model import ServedModel
from models.serving.served_scenario_model import ServedScenarioModel
from models.serving.task_request import (
    RecordedRequest,
    TaskRequest,
    Tensors,
    starting_with,
)
from pipeline.experiment.prepared import read_ids
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.setting import ServedWords, Serving
from transforms import schema
from transforms.clicks.schema import SCENARIO_TASKS, USER_TASKS

_TOLERANCE = 1e-5  # Of the largest score, or of 1 if that is less.
_CHECKED_TASKS = 16
_CHECKED_PAIRS = 512
_RECORDED_PAIRS = 10  # Of the requests that warm a server up.
_EXAMPLE_ITEMS = 20  # Of the requests that people read.
_EXAMPLE_CLICKS = 4  # Of these, the ones that the user is known to have clicked.
# From the support and the query of a batch to the inputs of `rank`.
_ToRequest: TypeAlias = Callable[[Episode, Episode], dict[str, tf.Tensor]]

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
        to_request=_requests(data),
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


def _requests(data: ScenarioData) -> _ToRequest:
    return scenario_requests(data.directory, has_users=not data.info.has_user_tasks)


def scenario_requests(
    dataset_dir: pathlib.Path, *, has_users: bool = True
) -> _ToRequest:
    """Returns the way from episodes of scenarios to raw ids.

    Args:
        dataset_dir: The prepared data set.
        has_users: Whether requests name users; not where users are tasks.
    """
    user_ids = tf.constant(read_ids(dataset_dir, schema.USER_ID))
    item_ids = tf.constant(read_ids(dataset_dir, schema.ITEM_ID))

    def to_request(support: Episode, query: Episode) -> dict[str, tf.Tensor]:
        request = {
            "support_item_id": tf.gather(item_ids, support["support_item"]),
            "support_label": support["support_label"],
            "query_item_id": tf.gather(item_ids, query["query_item"]),
        }
        if not has_users:
            return request
        return request | {
            "support_user_id": tf.gather(user_ids, support["support_user"]),
            "query_user_id": tf.gather(user_ids, query["query_user"]),
        }

    return to_request


def _recorded(
    model: CMML, config: ScenarioConfig, data: ScenarioData
) -> Iterator[RecordedRequest]:
    """Yields `rank` requests of raw ids, one scenario of meta-validation each."""
    to_request = _requests(data)
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
        wanted=_wanted(query, np.array([pool], dtype=object), items[:, :1]),
    )


def _wanted(query: Tensors, pool: np.ndarray, excluded: np.ndarray) -> Tensors:
    """Returns what `recommend` is told; where users are tasks, no user and no pool."""
    if "query_user_id" not in query:
        return {"candidate_item_id": pool[:, :0], "exclude_item_id": excluded}
    return {
        "query_user_id": query["query_user_id"][:, 0],
        "candidate_item_id": pool,
        "exclude_item_id": excluded,
    }


def _example(request: RecordedRequest) -> TaskRequest:
    """Asks for the user with most held-out clicks: these first, then others' items.

    So the first items of `rank` should score higher than those after them. Where users
    are tasks, the user is known by clicks alone, as a client sends them.
    """
    support = starting_with("support_", request.inputs)
    items, shown = request.inputs["query_item_id"][0], support["support_item_id"][0]
    own, others, whom = set(items), {*items, *shown}, {}
    if "query_user_id" in request.inputs:
        users = request.inputs["query_user_id"][0]
        ((user, _),) = collections.Counter(users.tolist()).most_common(1)
        own, whom = set(items[users == user]), {"query_user_id": user}
    else:
        is_click = support["support_label"][0] > 0.5
        others -= set(shown[is_click])
        support = {name: value[:, is_click] for name, value in support.items()}
    asked = [*sorted(own)[:_EXAMPLE_CLICKS], *sorted(others - own)][:_EXAMPLE_ITEMS]
    pool = np.array([asked], dtype=object)
    query = {"query_item_id": pool}
    query |= {name: np.full(pool.shape, user, object) for name, user in whom.items()}
    return TaskRequest(
        support=support,
        profile={},
        query=query,
        wanted=_wanted(query, pool, pool[:, -1:]),
    )
