"""Why an exported model recommends what it does, by its signatures alone."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.export.loaded_version import load_version
from pipeline.insight.modulation_values import Values, unpacked_values
from pipeline.settings.request_values import as_list
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
        num_negatives: Pairs beside these that are not explained: where users are tasks,
            items drawn among those that they did not click.
        is_untrained: Whether no epoch was better than the start, so that context and
            modulation are of untrained networks, and scores owe nothing to them.
    """

    task: str
    pairs: Sequence[str]
    items: Sequence[str]
    scores: NDArray[np.float32]
    attribution: NDArray[np.float32]
    modulation: Values
    num_negatives: int = 0
    is_untrained: bool = False


class Explainer:
    """Explains what an exported model of either setting answers.

    Args:
        version: The directory of the version.
    """

    def __init__(self, version: pathlib.Path) -> None:
        self._model = load_version(version)

    def choose(self, request: Mapping[str, Any], top: int) -> list[str]:
        """Returns ids of the items to explain: those of the query, or else recommended.

        Args:
            request: As `ExportedModel.answer` takes it.
            top: Items, at most.

        Raises:
            DataError: If the request cannot be answered, or nothing is recommended.
        """
        with _named(request):
            asked = as_list(request, "query")[:top]
            query = [self._model.id_of(item_id) for item_id in asked]
        if query:
            return query
        with _named(request):
            recommended = self._model.answer(request, top)["recommended"]
        if not recommended:
            raise DataError(f"task {request['task_id']!r} is recommended nothing.")
        return [item["item_id"] for item in recommended]

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
            user_id: With scenarios, the user, if not the one of the request.

        Raises:
            DataError: If the request cannot be full_request, or has too many pairs.
        """
        with _named(request):
            pairs = self._model.support_of(request)
        full_request = dict(request)
        if user_id is not None:
            full_request["user_id"] = user_id
        with _named(request):
            answer = self._model.explained(full_request, items)
        order = np.argsort(-answer["score"], kind="stable")
        explained = [n for n, one in enumerate(pairs) if self._model.is_explained(one)]
        names = self._model.item_names
        return Explanation(
            task=self._model.describe_task(full_request),
            pairs=[self._model.describe_pair(pairs[place]) for place in explained],
            items=[names.get(items[place], items[place]) for place in order],
            scores=answer["score"][order],
            attribution=answer["attribution"][order][:, explained],
            modulation=unpacked_values(
                answer["modulation"].mean(axis=0), self._model.manifest["modulation"]
            ),
            num_negatives=len(pairs) - len(explained),
            is_untrained=self._model.manifest.get("epochs") == 0,
        )


@contextlib.contextmanager
def _named(request: Mapping[str, Any]) -> Iterator[None]:
    """Names the task of a request that cannot be answered."""
    try:
        yield
    except ValueError as error:
        raise DataError(f"task {request['task_id']!r}: {error}") from None
