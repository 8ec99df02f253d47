"""Requests to an exported model of users: ratings of a user in, items out."""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.request_values import as_list, is_number, names_item
from transforms.reading.values import as_text


class ExportedUserModel(ExportedModel):
    """An exported model of the user-specific setting."""

    keys = frozenset({"task_id", "user", "support", "query", "exclude"})
    pair_keys = ("item_id", "label")

    def __init__(self, directory: pathlib.Path) -> None:
        super().__init__(directory)
        self._user_inputs = {
            name.removeprefix("user_"): spec
            for name, spec in self.inputs.items()
            if name.startswith("user_")
        }
        self._label_range = self.manifest["label_min"], self.manifest["label_max"]

    def answer(self, request: Mapping[str, Any], top: int) -> dict[str, Any]:
        """Ranks the query items of a request, or recommends where there are none.

        Args:
            request: `support`, a list of {"item_id" or "item_name", "label"}; and
                perhaps `user`, raw features by name; `query`, item ids to score;
                `exclude`, item ids not to recommend; `task_id`, handed through.
            top: Most items recommended.

        Returns:
            `task_id` if any, and `ranked` or `recommended`: items best first, each
            with `item_id`, `item_name` if known, and `score`.

        Raises:
            ValueError: If a key is unknown or a value is not what it should be.
        """
        inputs = self._task_inputs(request)
        if query := as_list(request, "query"):
            ids = [self.id_of(item_id) for item_id in query]
            return self.ranked(request, self.query_inputs(request, ids), ids)
        exclude = [self.id_of(item_id) for item_id in as_list(request, "exclude")]
        inputs["exclude_item_id"] = tf.constant([exclude], tf.string)
        return self.recommended(request, inputs, top)

    def query_inputs(
        self, request: Mapping[str, Any], items: Sequence[str]
    ) -> dict[str, tf.Tensor]:
        """Returns the inputs of `rank`; see `ExportedModel.query_inputs`."""
        return {
            **self._task_inputs(request),
            "query_item_id": tf.constant([list(map(self.id_of, items))], tf.string),
        }

    def describe_task(self, request: Mapping[str, Any]) -> str:
        """Names the user."""
        return f"user {request['task_id']}"

    def describe_pair(self, pair: Mapping[str, Any]) -> str:
        """Says what was rated how."""
        return f"{pair['label']:g} for {self.item_name(pair)}"

    def _task_inputs(self, request: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        self.validate(request)
        support = [self._support_pair(pair) for pair in as_list(request, "support")]
        return {
            "support_item_id": tf.constant([[i for i, _ in support]], tf.string),
            "support_label": tf.constant([[label for _, label in support]], tf.float32),
            **self._user(request.get("user", {})),
        }

    def _support_pair(self, pair: Any) -> tuple[str, float]:
        if not names_item(pair) or "label" not in pair:
            raise ValueError(
                "a support pair must have `label` and `item_id` or `item_name`, "
                f"got {pair!r}."
            )
        label = pair["label"]
        if not is_number(label):
            raise ValueError(f"label must be a number, got {label!r}.")
        low, high = self._label_range
        if not low <= label <= high:
            raise ValueError(f"label must be within [{low:g}, {high:g}], got {label}.")
        return self.item_of(pair), float(label)

    def _user(self, features: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        if not isinstance(features, dict):
            raise ValueError(f"user must be a JSON object, got {features!r}.")
        if unknown := sorted(set(features) - set(self._user_inputs)):
            raise ValueError(
                f"unknown user features {unknown}; "
                f"the model knows {sorted(self._user_inputs)}."
            )
        return {
            f"user_{name}": _user_input(name, spec, features.get(name))
            for name, spec in self._user_inputs.items()
        }


def _user_input(name: str, spec: tf.TensorSpec, value: Any) -> tf.Tensor:
    """Returns a raw feature as the model takes it; None is unknown."""
    if spec.dtype == tf.float32:
        kind, is_fine = "a number", value is None or is_number(value)
    elif spec.shape.rank == 1:
        kind, is_fine = "one value", not isinstance(value, list | dict)
    else:
        kind, is_fine = "a list of values", value is None or isinstance(value, list)
    if not is_fine:
        raise ValueError(f"user feature {name!r} must be {kind}, got {value!r}.")
    if spec.dtype == tf.float32:
        return tf.constant([math.nan if value is None else value], tf.float32)
    if spec.shape.rank == 1:
        return tf.constant([as_text(value) or ""])
    return tf.constant([[as_text(part) or "" for part in value or []]], tf.string)
