"""Requests to an exported scenario model: clicks of a scenario in, items out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.request_values import as_list, names_item, texts
from transforms.schema import USER_ID


class ExportedScenarioModel(ExportedModel):
    """An exported scenario model, loaded for use in this process."""

    keys = frozenset(
        {"task_id", "support", "user_id", "query", "candidates", "exclude"}
    )
    pair_keys = ("user_id", "item_id", "label")
    default_label = 1.0

    def answer(self, request: Mapping[str, Any], top: int) -> dict[str, Any]:
        """Ranks the query items for a user, or recommends where there are none.

        Args:
            request: `support`, a list of {"user_id", "item_id" or "item_name", and
                perhaps "label", 1 for a click and 0 for none}; `user_id`, for whom; and
                perhaps `query`, item ids to score; `candidates`, the pool of the
                scenario, else the whole catalogue; `exclude`, item ids not to
                recommend; `task_id`, handed through.
            top: Most items recommended.

        Returns:
            `task_id` if any, and `ranked` or `recommended`: items best first, each
            with `item_id`, `item_name` if known, and `score`; `fallback_reason` where
            the support set did not decide; and what `unknown` returns.

        Raises:
            ValueError: If a key is unknown or a value is not what it should be.
        """
        inputs, user_id = self._task_inputs(request)
        if query := as_list(request, "query"):
            ids = [self.id_of(item_id) for item_id in query]
            return self.ranked(request, self.query_inputs(request, ids), ids)
        inputs["query_user_id"] = texts([user_id])
        candidates = as_list(request, "candidates")
        if request.get("candidates") == []:
            raise ValueError(
                "candidates must name an item, got []: leave it out to recommend from "
                "the whole catalogue."
            )
        inputs["candidate_item_id"] = self._ids(candidates)
        inputs["exclude_item_id"] = self._ids(as_list(request, "exclude"))
        return self.recommended(request, inputs, top)

    def query_inputs(
        self, request: Mapping[str, Any], items: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Returns the inputs of `rank`; see `ExportedModel.query_inputs`."""
        inputs, user_id = self._task_inputs(request)
        inputs["query_user_id"] = texts([[user_id] * len(items)])
        ids = list(map(self.id_of, items))
        inputs["query_item_id"] = texts([ids])
        return inputs

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

    def _task_inputs(
        self, request: Mapping[str, Any]
    ) -> tuple[dict[str, np.ndarray], str]:
        """Returns the support set of a request, and the user it is for."""
        self.validate(request)
        if request.get("user_id") is None:
            raise ValueError("a request must have `user_id`, the user to rank for.")
        user_id = self.id_of(request["user_id"], "user_id")
        support = [self.read_pair(pair) for pair in self.support_of(request)]
        inputs = {
            "support_user_id": texts([[u for u, _, _ in support]]),
            "support_item_id": texts([[i for _, i, _ in support]]),
            "support_label": np.array([[y for _, _, y in support]], np.float32),
        }
        return inputs, user_id

    def _ids(self, values: Sequence[Any]) -> np.ndarray:
        return texts([list(map(self.id_of, values))])

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
