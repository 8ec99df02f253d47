"""Requests to an exported scenario model: clicks of a scenario in, items out."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.request_values import as_list, names_item, texts
from transforms.clicks.schema import USER_TASKS
from transforms.schema import USER_ID

if TYPE_CHECKING:
    from pipeline.settings.runtime import Runtime


class ExportedScenarioModel(ExportedModel):
    """An exported model of the scenario-specific setting.

    A request has `support`, a list of {"user_id", "item_id" or "item_name", and perhaps
    "label", 1 for a click and 0 for none}; `user_id`, for whom; and perhaps
    `candidates`, the pool of the scenario, else the whole catalogue.

    Attributes:
        has_user_tasks: Whether each user is a task: all clicks are of the user who is
            asked for, and nothing takes a `user_id`.
    """

    keys: frozenset[str] = frozenset(
        {"task_id", "support", "user_id", "query", "candidates", "exclude"}
    )
    pair_keys: tuple[str, ...] = ("user_id", "item_id", "label")
    default_label = 1.0

    def __init__(
        self, directory: pathlib.Path, manifest: dict[str, Any], runtime: Runtime
    ) -> None:
        super().__init__(directory, manifest, runtime)
        self.has_user_tasks = manifest.get("task") == USER_TASKS
        if self.has_user_tasks:
            self.keys -= {"user_id"}
            self.pair_keys = ("item_id", "label")

    def query_inputs(
        self, request: Mapping[str, Any], items: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Adds the user that each item is ranked for."""
        inputs = super().query_inputs(request, items)
        if self.has_user_tasks:
            return inputs
        users = texts([[self._user_of(request)] * len(items)])
        return inputs | {"query_user_id": users}

    def catalogue_inputs(self, request: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Adds the user that is recommended to, and the pool of the scenario."""
        if request.get("candidates") == []:
            raise ValueError(
                "candidates must name an item, got []: leave it out to recommend from "
                "the whole catalogue."
            )
        inputs = super().catalogue_inputs(request) | {
            "candidate_item_id": self.ids(as_list(request, "candidates")),
        }
        if self.has_user_tasks:
            return inputs
        return inputs | {"query_user_id": texts([self._user_of(request)])}

    def describe_task(self, request: Mapping[str, Any]) -> str:
        """Names the user and the scenario."""
        if self.has_user_tasks:
            return f"user {request['task_id']}"
        return f"user {request['user_id']} in scenario {request['task_id']}"

    def describe_pair(self, pair: Mapping[str, Any]) -> str:
        """Says who clicked what, or did not."""
        clicked = "clicked" if self.label_of(pair) else "did not click"
        user = "they" if self.has_user_tasks else f"user {pair['user_id']}"
        return f"{user} {clicked} {self.item_name(pair)}"

    def is_explained(self, pair: Mapping[str, Any]) -> bool:
        """Whether it is a click: negatives of users who are tasks were drawn."""
        return not self.has_user_tasks or bool(self.label_of(pair))

    def unknown(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Returns unknown items and users; see `ExportedModel.unknown`."""
        if self.has_user_tasks:
            return super().unknown(request)
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
        inputs = {
            "support_item_id": texts([[i for _, i, _ in support]]),
            "support_label": np.array([[y for _, _, y in support]], np.float32),
        }
        if self.has_user_tasks:
            return inputs
        return inputs | {"support_user_id": texts([[u for u, _, _ in support]])}

    def _user_of(self, request: Mapping[str, Any]) -> str:
        if request.get("user_id") is None:
            raise ValueError("a request must have `user_id`, the user to rank for.")
        return self.id_of(request["user_id"], "user_id")

    def read_pair(self, pair: Any) -> tuple[str, str, float]:
        """Reads a support pair; see `ExportedModel.read_pair`."""
        needs_user = not self.has_user_tasks
        if not names_item(pair) or (needs_user and "user_id" not in pair):
            needed = "`user_id` and " if needs_user else ""
            raise ValueError(
                f"a support pair must have {needed}`item_id` or `item_name`, "
                f"got {pair!r}."
            )
        label = self.label_of(pair)
        if label not in (0, 1):
            raise ValueError(f"label must be 1 for a click or 0, got {label:g}.")
        user = self.id_of(pair["user_id"], "user_id") if needs_user else ""
        return user, self.item_of(pair), label
