"""Requests to an exported scenario model: clicks of a scenario in, items out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.request_values import as_list, names_item, texts
from transforms.schema import USER_ID


class ExportedScenarioModel(ExportedModel):
    """An exported model of the scenario-specific setting.

    A request has `support`, a list of {"user_id", "item_id" or "item_name", and perhaps
    "label", 1 for a click and 0 for none}; `user_id`, for whom; and perhaps
    `candidates`, the pool of the scenario, else the whole catalogue.
    """

    keys = frozenset(
        {"task_id", "support", "user_id", "query", "candidates", "exclude"}
    )
    pair_keys = ("user_id", "item_id", "label")
    default_label = 1.0

    def query_inputs(
        self, request: Mapping[str, Any], items: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Adds the user that each item is ranked for."""
        users = texts([[self._user_of(request)] * len(items)])
        return super().query_inputs(request, items) | {"query_user_id": users}

    def catalogue_inputs(self, request: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Adds the user that is recommended to, and the pool of the scenario."""
        if request.get("candidates") == []:
            raise ValueError(
                "candidates must name an item, got []: leave it out to recommend from "
                "the whole catalogue."
            )
        return super().catalogue_inputs(request) | {
            "query_user_id": texts([self._user_of(request)]),
            "candidate_item_id": self.ids(as_list(request, "candidates")),
        }

    def describe_task(self, request: Mapping[str, Any]) -> str:
        """Names the user and the scenario."""
        return f"user {request['user_id']} in scenario {request['task_id']}"

    def describe_pair(self, pair: Mapping[str, Any]) -> str:
        """Says who clicked what, or did not."""
        clicked = "clicked" if self.label_of(pair) else "did not click"
        return f"user {pair['user_id']} {clicked} {self.item_name(pair)}"

    def unknown(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Returns unknown items and users; see `ExportedModel.unknown`."""
        users = [request["user_id"]]
        users += (pair["user_id"] for pair in as_list(request, "support"))
        ids = (self.id_of(user_id, USER_ID) for user_id in users)
        unknown = self.known.missing(USER_ID, ids)
        return super().unknown(request) | (
            {"unknown_users": unknown} if unknown else {}
        )

    def task_inputs(self, request: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Returns the support set; see `ExportedModel.task_inputs`."""
        support = [self.read_pair(pair) for pair in self.support_of(request)]
        return {
            "support_user_id": texts([[u for u, _, _ in support]]),
            "support_item_id": texts([[i for _, i, _ in support]]),
            "support_label": np.array([[y for _, _, y in support]], np.float32),
        }

    def _user_of(self, request: Mapping[str, Any]) -> str:
        if request.get("user_id") is None:
            raise ValueError("a request must have `user_id`, the user to rank for.")
        return self.id_of(request["user_id"], "user_id")

    def read_pair(self, pair: Any) -> tuple[str, str, float]:
        """Reads a support pair; see `ExportedModel.read_pair`."""
        if not names_item(pair) or "user_id" not in pair:
            raise ValueError(
                "a support pair must have `user_id` and `item_id` or `item_name`, "
                f"got {pair!r}."
            )
        label = self.label_of(pair)
        if label not in (0, 1):
            raise ValueError(f"label must be 1 for a click or 0, got {label:g}.")
        return self.id_of(pair["user_id"], "user_id"), self.item_of(pair), label
