"""What a setting gives for serving."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.cmml import CMML
    from models.legacy_keras import tf
    from models.recommender import Episode
    from models.serving.served_model import ServedModel
    from models.serving.task_request import RecordedRequest, TaskRequest


@dataclasses.dataclass(frozen=True)
class ServedWords:
    """What a served model does, in words for its card.

    Attributes:
        task: What it is for.
        fallback: What serves a task without support.
    """

    task: str
    fallback: str


@dataclasses.dataclass(frozen=True)
class Serving:
    """How a trained model becomes a served one, and the requests that check it.

    Attributes:
        export: Makes the served model of a trained one; the version is its number.
        recorded: Yields `rank` requests of raw ids and features with the answers of the
            trained model, one task each.
        task_request: Makes all requests about the task of a recorded one.
        to_request: From the support and the query of a batch to the inputs of `rank`.
        facts: What the manifest says: "label_min", "label_max", "num_items" and
            "user_features", the names of raw features; "feature_separators", by name,
            where the features of tasks may have several values.
        words: What the card says of the model.
        tolerance: Largest difference of a score that is none, in the unit of scores,
            by the recorded requests.
        num_recorded: Requests that are written with a version.
        example: Makes those that people read; as `task_request` if None.
    """

    export: Callable[[CMML, int], ServedModel]
    recorded: Callable[[CMML], Iterator[RecordedRequest]]
    task_request: Callable[[RecordedRequest], TaskRequest]
    to_request: Callable[[Episode, Episode], dict[str, tf.Tensor]]
    facts: Mapping[str, Any]
    words: ServedWords
    tolerance: Callable[[Sequence[RecordedRequest]], float]
    num_recorded: int
    example: Callable[[RecordedRequest], TaskRequest] | None = None
