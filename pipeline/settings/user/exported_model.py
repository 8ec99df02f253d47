"""Requests to an exported model of users: ratings of a user in, items out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.request_values import names_item, texts
from pipeline.settings.user.request_features import (
    PREFIX,
    check_feature,
    read_feature,
    read_texts,
    request_features,
)


class ExportedUserModel(ExportedModel):
    """An exported model of the user-specific setting.

    A request has `support`, a list of {"item_id" or "item_name", "label"}, and perhaps
    `user`, raw features by name.
    """

    keys = frozenset({"task_id", "user", "support", "query", "exclude"})
    pair_keys = ("item_id", "label")

    def __init__(self, *of_model: Any) -> None:
        super().__init__(*of_model)
        self._features = request_features(self.manifest)
        self._label_range = self.manifest["label_min"], self.manifest["label_max"]

    def describe_task(self, request: Mapping[str, Any]) -> str:
        """Names the user."""
        return f"user {request['task_id']}"

    def describe_pair(self, pair: Mapping[str, Any]) -> str:
        """Says what was rated how."""
        return f"{self.label_of(pair):g} for {self.item_name(pair)}"

    def unknown(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Returns unknown items and values; see `ExportedModel.unknown`."""
        features = request.get("user") or {}
        values = {
            name: self.known.missing(name, read_texts(value, self._features[name]))
            for name, value in features.items()
        }
        unknown = {name: some for name, some in values.items() if some}
        return super().unknown(request) | (
            {"unknown_values": unknown} if unknown else {}
        )

    def task_inputs(self, request: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Returns support set and features; see `ExportedModel.task_inputs`."""
        support = [self.read_pair(pair) for pair in self.support_of(request)]
        return {
            "support_item_id": texts([[i for i, _ in support]]),
            "support_label": np.array([[label for _, label in support]], np.float32),
            **self._user(request.get("user")),
        }

    def read_pair(self, pair: Any) -> tuple[str, float]:
        """Reads a support pair; see `ExportedModel.read_pair`."""
        if not names_item(pair) or "label" not in pair:
            raise ValueError(
                "a support pair must have `label` and `item_id` or `item_name`, "
                f"got {pair!r}."
            )
        label = self.label_of(pair)
        low, high = self._label_range
        if not low <= label <= high:
            raise ValueError(
                f"label must be within [{low:g}, {high:g}], got {label:g}."
            )
        return self.item_of(pair), label

    def _user(self, features: Any) -> dict[str, np.ndarray]:
        features = {} if features is None else features
        if not isinstance(features, dict):
            raise ValueError(f"user must be a JSON object, got {features!r}.")
        if unknown := sorted(set(features) - set(self._features)):
            raise ValueError(
                f"unknown user features {unknown}; "
                f"the model knows {sorted(self._features)}."
            )
        inputs = {}
        for name, spec in self._features.items():
            check_feature(value := features.get(name), spec)
            read = [read_feature(value, spec)]
            is_number = spec.kind == "numeric"
            inputs[f"{PREFIX}{name}"] = (
                np.array(read, np.float32) if is_number else texts(read)
            )
        return inputs
