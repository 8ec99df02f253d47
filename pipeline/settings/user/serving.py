"""The served form of a model of users, and the requests that it is checked with."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from models.cmml import CMML
from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from models.recommender import Episode, split_episode
from models.serving.served_model import ServedModel
from models.serving.served_user_model import ServedUserModel
from models.serving.task_request import RecordedRequest, TaskRequest, starting_with
from pipeline.experiment.prepared import read_ids
from pipeline.settings.setting import ServedWords, Serving
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from pipeline.settings.user.request_features import SEPARATORS
from transforms import schema

_TOLERANCE = 1e-5  # Of the largest label, or of 1 if that is less.
_CHECKED_TASKS = 256
_RECORDED_TASKS = 64  # Whose requests and answers are written with the version.


def user_serving(config: UserConfig, data: UserData) -> Serving:
    """Returns how a trained model of users becomes a served one."""
    info = data.info
    normalize = bool(info.options.get("normalize_ids"))

    def export(model: CMML, version: int) -> ServedModel:
        options = config.export.serving_options(version, normalize_ids=normalize)
        return ServedUserModel(model, info, data.items, data.directory, options)

    return Serving(
        export=export,
        recorded=lambda model: _recorded(model, data),
        task_request=_task_request,
        to_request=user_requests(data),
        facts={
            "label_min": info.label_min,
            "label_max": info.label_max,
            "num_items": info.num_items,
            "normalize_ids": normalize,
            "user_features": [feature.name for feature in info.user_features],
            SEPARATORS: {
                feature["name"]: feature["separator"]
                for feature in info.options["users"]["features"]
                if feature["kind"] == "multi"
            },
        },
        words=ServedWords(
            task="few-shot rating prediction for new users",
            fallback="user features, else popularity",
        ),
        tolerance=lambda recorded: (
            _TOLERANCE * max(abs(info.label_min), abs(info.label_max))
        ),
        num_recorded=_RECORDED_TASKS,
    )


def user_requests(
    data: UserData,
) -> Callable[[Episode, Episode], dict[str, tf.Tensor]]:
    """Returns the way from episodes of users to raw ids and features."""
    item_ids = tf.constant(read_ids(data.directory, schema.ITEM_ID))
    tables = {}
    for feature in data.users.features:
        encoded = data.users.encoded[feature.name]
        table = tf.constant(encoded[:, 0] if feature.kind == "categorical" else encoded)
        if feature.kind != "numeric":
            values = read_ids(data.directory, feature.name)
            table = tf.gather(tf.constant(values), table)
        tables[f"user_{feature.name}"] = table

    def to_request(support: Episode, query: Episode) -> dict[str, tf.Tensor]:
        user = query["query_user"][:, 0]
        return {
            "support_item_id": tf.gather(item_ids, support["support_item"]),
            "support_label": support["support_label"],
            "query_item_id": tf.gather(item_ids, query["query_item"]),
            **{name: tf.gather(table, user) for name, table in tables.items()},
        }

    return to_request


def _recorded(model: CMML, data: UserData) -> Iterator[RecordedRequest]:
    """Yields `rank` requests of raw ids and features, and the answers of the model.

    Tasks are of meta-test, or of meta-validation where a data set keeps no user for
    the test.
    """
    has_test = data.info.num_tasks[schema.META_TEST] > 0
    split = schema.META_TEST if has_test else schema.META_VALIDATION
    episodes = fixed_episodes(data.directory, split, batch_size=_CHECKED_TASKS)
    episode = next(iter(episodes))
    support, query = split_episode(episode)
    scores = model.score(model.adapt(support), query).numpy()
    request = user_requests(data)(support, query)
    inputs = {name: value.numpy() for name, value in request.items()}
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
