"""The signatures that a served model has in either setting: ids in, ids out."""

import abc
import pathlib
import types
from collections.abc import Mapping
from typing import Any

from models.legacy_keras import tf
from models.serving.raw_text import read_ids
from models.serving.request_checks import (
    Checked,
    Inputs,
    check_batch,
    check_request,
    check_widths,
)
from models.serving.saving import (
    IDS,
    LABELS,
    InputSpec,
    Signature,
    of_one_argument,
    save_with_signatures,
    trace,
)
from models.serving.served_explanations import MAX_EXPLAINED, MAX_EXPLAINED_TASKS
from models.serving.served_recommendations import REASONS, ServedRecommendations
from models.serving.served_tasks import Answer
from models.serving.vocabulary import IdLookup
from transforms.schema import Feature


class ServedModel(ServedRecommendations, abc.ABC):
    """A trained model with its vocabularies, as TensorFlow Serving takes it.

    Each signature reads the texts of a request, refuses what is not in order, and
    answers by the rows of the tables.

    Args:
        *of_model: As `ServedRecommendations` takes them.
        ids: The vocabularies of what makes a pair: "user" and "item", or "item" alone.
        label_range: Lowest and highest label.
        only_whole: Whether labels are whole numbers, as clicks are.
        **of_tasks: As `ServedTasks` takes them.

    Attributes:
        user_features: Raw features of a user by name, each the input `user_<name>`.

    Raises:
        DataError: As of `ServedRecommendations`.
    """

    user_features: Mapping[str, Feature] = types.MappingProxyType({})

    def __init__(
        self,
        *of_model: Any,
        ids: Mapping[str, IdLookup],
        label_range: tuple[float, float],
        only_whole: bool = False,
        **of_tasks: Any,
    ) -> None:
        super().__init__(*of_model, roles=tuple(ids), **of_tasks)
        self.ids = dict(ids)
        self.label_range = label_range
        self._only_whole = only_whole

    def profile_inputs(self) -> dict[str, InputSpec]:
        """Returns what a request says of a task beside its support set."""
        return {}

    def candidate_inputs(self) -> dict[str, InputSpec]:
        """Returns what a request says of the candidates of `recommend`."""
        return {}

    def rank(self, **inputs: tf.Tensor) -> Answer:
        """Scores the query pairs of each task.

        Args:
            **inputs: `support_item_id` string [B, S] and `support_label` float32
                [B, S], padded with ""; `query_item_id` string [B, Q]; and what the
                setting has beside.

        Returns:
            `score`, float32 [B, Q]. An unknown id is scored as the unknown entity. Of a
            model that predicts a distribution, `score` is its mean, and there are
            `median` and `uncertainty`, its standard deviation, too.
        """
        return self.rank_rows(self._rows_of(inputs))

    def encode(self, **inputs: tf.Tensor) -> Answer:
        """Encodes the support set of each task.

        Args:
            **inputs: As of `rank`, without the query.

        Returns:
            `context` float32 [B, C], which `score`, `update` and
            `recommend_from_context` take; `support_size` int32 [B]; and
            `model_version` int64 [B], which alone can read the context.
        """
        return self.encode_rows(self._rows_of(inputs))

    def score(self, **inputs: tf.Tensor) -> Answer:
        """Scores as `rank` does, given `context` in place of the support set."""
        return self.score_rows(self._rows_of(inputs))

    def update(self, **inputs: tf.Tensor) -> Answer:
        """Adds the given support pairs to `context`.

        Returns:
            As `encode` of all the pairs.
        """
        return self.update_rows(self._rows_of(inputs))

    def recommend(self, **inputs: tf.Tensor) -> Answer:
        """Finds the items that are best by score, or by what the options say.

        Args:
            **inputs: As of `rank`, and `exclude_item_id`, string [B, E] padded with
                "", in place of the query. What the support set holds is excluded too.

        Returns:
            `item_id`, string [B, K], best first, with what `rank` says of each, float32
            [B, K]; where fewer than K items are left, "" and 0. `fallback_reason`,
            string [B]: "", or what a task without support was served by. By
            popularity, a score is the share of all known interactions that are with
            the item.
        """
        return self._named(self.recommend_rows(self._rows_of(inputs)))

    def recommend_from_context(self, **inputs: tf.Tensor) -> Answer:
        """Does as `recommend`, given `context` in place of the support set.

        The context does not tell the items of the support set, which therefore have to
        be among those excluded.
        """
        return self._named(self.recommend_from_context_rows(self._rows_of(inputs)))

    def explain(self, **inputs: tf.Tensor) -> Answer:
        """Tells what the score of each query pair owes to each support pair.

        Args:
            **inputs: As of `rank`.

        Returns:
            `score` float32 [B, Q]; `attribution` float32 [B, Q, S], the score less that
            without the support pair, 0 for padding; and `modulation` float32 [B, Q, M],
            what the context changes of the backbone.
        """
        small = check_batch(inputs, MAX_EXPLAINED_TASKS)
        wide = ["support_label", "query_item_id"]
        return self.explain_rows(
            self._rows_of(check_widths(small, wide, MAX_EXPLAINED))
        )

    def signatures(self) -> dict[str, Signature]:
        """Traces the signatures.

        Returns:
            By name: `serving_default`, which is `rank`, `encode`, `score`, `update`,
            `recommend`, `recommend_from_context` and `explain`.
        """
        traced = {name: self.signature(name) for name in self.inputs_by_name()}
        return {"serving_default": traced["rank"], **traced}

    def signature(self, name: str) -> Signature:
        """Traces one of them, by its own name."""
        return trace(getattr(self, name), self.inputs_by_name()[name])

    def inputs_by_name(self) -> dict[str, dict[str, InputSpec]]:
        """Returns the inputs of each signature."""
        ids = {f"support_{role}_id": IDS for role in self._roles}
        pairs = ids | {"support_label": LABELS}
        query = {f"query_{role}_id": IDS for role in self._roles}
        support = pairs | self.profile_inputs()
        candidates = self.candidate_inputs() | {"exclude_item_id": IDS}
        # Of any width, so that the graph can say which version a context is of.
        context: dict[str, InputSpec] = {"context": ([None, None], tf.float32)}
        return {
            "rank": support | query,
            "encode": support,
            "score": context | query,
            "update": context | pairs,
            "recommend": support | candidates,
            "recommend_from_context": context | candidates,
            "explain": support | query,
        }

    def save(self, directory: str | pathlib.Path) -> None:
        """Writes a SavedModel with all signatures.

        Its attribute `serve` is `rank` of one dict of inputs, as the `TFSMLayer` of
        Keras 3 calls it.
        """
        signatures = self.signatures()
        self.serve = of_one_argument(signatures["rank"])
        save_with_signatures(self, signatures, directory)

    def save_rank(self, directory: str | pathlib.Path) -> None:
        """Writes a SavedModel with `rank` alone, for who judges what it answers."""
        save_with_signatures(self, {"rank": self.signature("rank")}, directory)

    def _rows_of(self, inputs: Inputs) -> Checked:
        """Returns a request in order with rows in place of ids, or refuses it."""
        read = {name: self._read(name, value) for name, value in inputs.items()}
        checked = check_request(
            read,
            self._roles,
            self.options,
            self.label_range,
            only_whole=self._only_whole,
        )
        if "context" in checked:
            checked["context"] = self.context_format.checked(checked["context"])
        return self._looked_up(checked)

    def _read(self, name: str, value: tf.Tensor) -> tf.Tensor:
        """Reads the ids of an input as preparation does; other inputs stay."""
        if not self._are_ids(name):
            return value
        return read_ids(
            value,
            normalize=self.options.normalize_ids,
            domains=self.options.domains,
        )

    def _looked_up(self, inputs: Inputs) -> Checked:
        """Returns inputs with rows in place of texts."""
        rows = {}
        for name, value in inputs.items():
            if self._are_ids(name):
                rows[row_name(name)] = self.ids[_role_of(name)].rows(value)
            else:
                rows[name] = value
        return rows

    def _are_ids(self, name: str) -> bool:
        return name.endswith("_id") and name not in self.profile_inputs()

    def _named(self, answer: Answer) -> Answer:
        """Returns recommendations with ids and words in place of rows and numbers."""
        rows, fallback = answer.pop("item_row"), answer.pop("fallback")
        reason = tf.gather(tf.constant(REASONS), fallback)
        ids = self.ids["item"].values(rows)
        return {"item_id": ids, **answer, "fallback_reason": reason}


def row_name(name: str) -> str:
    """Returns the name of the rows in place of ids: "query_item_id" has ..._row."""
    return name.removesuffix("_id") + "_row"


def _role_of(name: str) -> str:
    """Returns whose ids an input holds: of "query_item_id" it is "item"."""
    return name.split("_")[1]
