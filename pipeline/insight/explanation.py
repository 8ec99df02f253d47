"""Why an exported model recommends what it does, asked by its signatures alone."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.legacy_keras import tf
from pipeline.export.exported_model import (
    ExportedModel,
    ExportedUserModel,
    as_id,
    as_list,
)
from pipeline.export.exported_scenario_model import ExportedScenarioModel
from pipeline.export.version_dir import read_manifest
from pipeline.insight.modulation_values import Values, unpacked_values
from transforms.schema import DataError


@dataclasses.dataclass(frozen=True, eq=False)
class Explanation:
    """What the scores of Q items owe to S support pairs.

    Attributes:
        task: The task in a few words.
        pairs: S support pairs as text.
        items: Q items as text.
        scores: float32 [Q].
        attribution: float32 [Q, S], each score less that without the pair.
        modulation: What the context changes of the backbone, mean over the items.
    """

    task: str
    pairs: Sequence[str]
    items: Sequence[str]
    scores: NDArray[np.float32]
    attribution: NDArray[np.float32]
    modulation: Values


class _AsksWhy(ExportedModel):
    """An exported model that answers a query by `explain` in place of `rank`."""

    def ranked(
        self,
        request: Mapping[str, Any],
        inputs: Mapping[str, tf.Tensor],
        ids: Sequence[str],
    ) -> dict[str, Any]:
        """Returns what `explain` does of one task, without the batch dimension."""
        found = self._signatures["explain"](**inputs)
        return {name: value[0].numpy() for name, value in found.items()}


class _UserModel(_AsksWhy, ExportedUserModel):
    pass


class _ScenarioModel(_AsksWhy, ExportedScenarioModel):
    pass


class Explainer:
    """Explains what an exported model of either setting answers.

    Args:
        version: The directory of the version.
    """

    def __init__(self, version: pathlib.Path) -> None:
        self._is_user = read_manifest(version)["setting"] == "user"
        self._model = _UserModel(version) if self._is_user else _ScenarioModel(version)

    def choose(self, request: Mapping[str, Any], top: int) -> list[str]:
        """Returns ids of the items to explain: those asked for, or else recommended.

        Args:
            request: As `ExportedModel.answer` takes it.
            top: Items, at most.

        Raises:
            DataError: If the request cannot be answered, or nothing is recommended.
        """
        with _named(request):
            query = [as_id(item_id) for item_id in as_list(request, "query")[:top]]
        if query:
            return query
        found = self._answer(request, top)["recommended"]
        if not found:
            raise DataError(f"task {request['task_id']!r} is recommended nothing.")
        return [item["item_id"] for item in found]

    def explain(
        self,
        request: Mapping[str, Any],
        items: Sequence[str],
        user_id: str | None = None,
    ) -> Explanation:
        """Tells what the scores of some items owe to each support pair of a task.

        Args:
            request: As `ExportedModel.answer` takes it.
            items: Ids of the items.
            user_id: With scenarios, for whom, if not for whom the request says.

        Raises:
            DataError: If the request cannot be answered, or has too many pairs.
        """
        with _named(request):
            pairs = as_list(request, "support")
        most = self._model.manifest["limits"]["max_explained"]
        if len(pairs) > most:
            raise DataError(
                f"task {request['task_id']!r} must have at most {most} support pairs "
                f"to be explained, got {len(pairs)}."
            )
        asked = dict(request, query=list(items))
        if user_id is not None:
            asked["user_id"] = user_id
        found = self._answer(asked, len(items))
        order = np.argsort(-found["score"], kind="stable")
        attribution = found["attribution"][order]
        names = self._model.item_names
        return Explanation(
            task=self._describe(asked),
            pairs=[self._pair(pair) for pair in pairs],
            items=[names.get(items[place], items[place]) for place in order],
            scores=found["score"][order],
            attribution=attribution,
            modulation=unpacked_values(
                found["modulation"].mean(axis=0), self._model.manifest["modulation"]
            ),
        )

    def _answer(self, request: Mapping[str, Any], top: int) -> dict[str, Any]:
        with _named(request):
            return self._model.answer(request, top)

    def _describe(self, request: Mapping[str, Any]) -> str:
        if self._is_user:
            return f"user {request['task_id']}"
        return f"user {request['user_id']} in scenario {request['task_id']}"

    def _pair(self, pair: Mapping[str, Any]) -> str:
        item_id = self._model.item_of(pair)
        item = self._model.item_names.get(item_id, item_id)
        if self._is_user:
            return f"{pair['label']:g} for {item}"
        told = "clicked" if pair.get("label", 1) else "did not click"
        return f"user {pair['user_id']} {told} {item}"


@contextlib.contextmanager
def _named(request: Mapping[str, Any]) -> Iterator[None]:
    """Names the task of a request that cannot be answered."""
    try:
        yield
    except ValueError as error:
        raise DataError(f"task {request['task_id']!r}: {error}") from None
