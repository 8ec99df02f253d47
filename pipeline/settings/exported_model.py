"""An exported model as any other client would use it: by its signatures alone."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from models.whole_files import read_json
from pipeline.experiment.version_dir import MAKE_AGAIN
from pipeline.settings.request_values import (
    as_id,
    as_list,
    as_number,
    check_size,
    texts,
)
from transforms.reading.values import normal_form
from transforms.schema import ITEM_ID

if TYPE_CHECKING:
    import numpy as np

    from pipeline.settings.runtime import Runtime

# Which limit of the manifest each list of a request keeps to.
_LIMITS = {
    "support": "max_support",
    "query": "max_query",
    "candidates": "max_query",
    "exclude": "max_query",
}
_ITEM_LISTS = ("query", "candidates", "exclude")


class ExportedModel:
    """An exported model, loaded for use in this process, whatever runs it.

    Args:
        directory: A version of the model.
        manifest: What the export says of it.
        runtime: What answers by its signatures.

    Attributes:
        keys: What a request may have.
        pair_keys: What a support pair has, its label last.
        known: The ids and values that the model knows.
        default_label: The label of a pair without one; None if there must be one.
    """

    keys: frozenset[str]
    pair_keys: tuple[str, ...]
    default_label: ClassVar[float | None] = None

    def __init__(
        self, directory: pathlib.Path, manifest: dict[str, Any], runtime: Runtime
    ) -> None:
        self.directory = directory
        self.manifest = manifest
        self._runtime = runtime
        path = runtime.item_names
        names = read_json(path, cure=MAKE_AGAIN) if path.exists() else {}
        self.item_names: dict[str, str] = names
        self.known = KnownValues(runtime.tables)
        self._ids_of_name: dict[str, list[str]] = {}
        for item_id, name in names.items():
            self._ids_of_name.setdefault(name, []).append(item_id)

    def answer(self, request: Mapping[str, Any], top: int) -> dict[str, Any]:
        """Ranks the query items of a request, or recommends where there are none.

        Args:
            request: What the class names, and perhaps `query`, item ids to score;
                `exclude`, item ids not to recommend; `task_id`, handed through.
            top: Most items recommended.

        Returns:
            `task_id` if any, and `ranked` or `recommended`: items best first, each
            with `item_id`, `item_name` if known, and `score`; `fallback_reason` where
            the support set is empty; and what `unknown` returns.

        Raises:
            ValueError: If a key is unknown or a value is not what it should be.
        """
        self.validate(request)
        if query := as_list(request, "query"):
            answer = self._ranked(request, list(map(self.id_of, query)))
        else:
            answer = self._recommended(request, top)
        task = {"task_id": request["task_id"]} if "task_id" in request else {}
        return task | self.unknown(request) | answer

    def _ranked(self, request: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
        """Returns items with the scores of `rank`, best first."""
        inputs = self.query_inputs(request, ids)
        scores = self._runtime.ask("rank", inputs)["score"][0]
        order = sorted(range(len(ids)), key=lambda i: -scores[i])
        return {"ranked": [self.item(ids[i], scores[i]) for i in order]}

    def _recommended(self, request: Mapping[str, Any], top: int) -> dict[str, Any]:
        """Returns the first items of `recommend`, and why if not by the support."""
        best = self._runtime.ask("recommend", self.catalogue_inputs(request))
        ids = [item_id.decode() for item_id in best["item_id"][0] if item_id]
        pairs = zip(ids[:top], best["score"][0], strict=False)
        items = [self.item(item_id, score) for item_id, score in pairs]
        reason = best["fallback_reason"][0].decode()
        why = {"fallback_reason": reason} if reason else {}
        return {**why, "recommended": items}

    def explained(
        self, request: Mapping[str, Any], items: Sequence[str]
    ) -> dict[str, Any]:
        """Returns what `explain` says of one task and some items.

        Args:
            request: As `answer` takes it.
            items: Ids of the items.

        Returns:
            Arrays by name, without the batch dimension.

        Raises:
            ValueError: As `answer`, or if there are too many support pairs or items.
        """
        most = self.manifest["limits"]["max_explained"]
        check_size(
            "support", as_list(request, "support"), most, "pairs to be explained"
        )
        check_size("items", items, most, "ids to be explained")
        self.validate(request)
        inputs = self.query_inputs(request, items)
        outputs = self._runtime.ask("explain", inputs)
        return {name: value[0] for name, value in outputs.items()}

    def validate(self, request: Any) -> None:
        """Checks that a request is an object of known keys, and its lists not too long.

        Raises:
            ValueError: If it is not; it names the key.
        """
        if not isinstance(request, dict):
            raise ValueError(f"a request must be a JSON object, got {request!r}.")
        if unknown := sorted(set(request) - self.keys):
            raise ValueError(
                f"unknown keys {unknown}; valid keys: {sorted(self.keys)}."
            )
        for key, limit in _LIMITS.items():
            check_size(key, as_list(request, key), self.manifest["limits"][limit])

    def task_inputs(self, request: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Returns what all signatures take of a request: the task.

        Args:
            request: As `answer` takes it.

        Raises:
            ValueError: As `answer`.
        """
        raise NotImplementedError

    def query_inputs(
        self, request: Mapping[str, Any], items: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Returns the inputs of `rank` and `explain` for items of these ids."""
        return {**self.task_inputs(request), "query_item_id": self.ids(items)}

    def catalogue_inputs(self, request: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Returns the inputs of `recommend`."""
        exclude = self.ids(as_list(request, "exclude"))
        return {**self.task_inputs(request), "exclude_item_id": exclude}

    def support_of(self, request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Returns the support pairs of a request, each once, as preparation keeps them.

        Args:
            request: As `answer` takes it.

        Raises:
            ValueError: If a pair is not what it should be, or comes with two labels.
        """
        labels: dict[tuple[str, ...], float] = {}
        pairs: list[Mapping[str, Any]] = []
        for pair in as_list(request, "support"):
            *ids, label = self.read_pair(pair)
            first = labels.setdefault(tuple(ids), label)
            if first != label:
                keys = (key.removesuffix("_id") for key in self.pair_keys)
                named = " and ".join(map("{} {!r}".format, keys, ids))
                raise ValueError(
                    f"a support pair must have one label, got {first:g} and {label:g} "
                    f"for {named}."
                )
            if len(labels) > len(pairs):
                pairs.append(pair)
        return pairs

    def read_pair(self, pair: Any) -> tuple[Any, ...]:
        """Returns a support pair as the graph takes it: its ids, and its label.

        Raises:
            ValueError: If it is not what it should be.
        """
        raise NotImplementedError

    def unknown(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what a request names that the model does not know.

        Args:
            request: One that `answer` has taken.

        Returns:
            `unknown_items`, ids in any list of the request; with clicks
            `unknown_users`, ids too; with ratings `unknown_values`, texts by feature of
            the user. Each only if there are any.
        """
        items = [self.item_of(pair) for pair in as_list(request, "support")]
        for key in _ITEM_LISTS:
            items += map(self.id_of, as_list(request, key))
        unknown = self.known.missing(ITEM_ID, items)
        return {"unknown_items": unknown} if unknown else {}

    def describe_task(self, request: Mapping[str, Any]) -> str:
        """Names the task of a request in a few words."""
        raise NotImplementedError

    def describe_pair(self, pair: Mapping[str, Any]) -> str:
        """Says in a few words what a support pair is."""
        raise NotImplementedError

    def is_explained(self, pair: Mapping[str, Any]) -> bool:
        """Whether a support pair is one that scores can owe something to."""
        return True

    def item_name(self, pair: Mapping[str, Any]) -> str:
        """Returns the name of the item of a support pair, or its id without one."""
        item_id = self.item_of(pair)
        return self.item_names.get(item_id, item_id)

    def item_of(self, pair: Mapping[str, Any]) -> str:
        """Returns the item id of a support pair, which may give the name instead.

        Raises:
            ValueError: If the name is not that of exactly one item.
        """
        if "item_id" in pair:
            return self.id_of(pair["item_id"])
        name = str(pair.get("item_name"))
        ids = self._ids_of_name.get(name, [])
        if len(ids) != 1:
            raise ValueError(
                f"item_name must name one item, got {name!r}, which names {len(ids)}."
            )
        return ids[0]

    def label_of(self, pair: Mapping[str, Any]) -> float:
        """Returns the label of a support pair.

        Raises:
            ValueError: If it is no number; nor is True, but where a label is 1 or 0.
        """
        label = pair.get("label", self.default_label)
        if isinstance(label, bool) and self.default_label is None:
            raise ValueError(f"label must be a number, got {label!r}.")
        return as_number(label, "label")

    def id_of(self, value: Any, key: str = "item_id") -> str:
        """Returns an id of a request as preparation reads one.

        Raises:
            ValueError: If it is neither a text nor a number; it names the key.
        """
        text = as_id(value, key)
        if not self.manifest.get("normalize_ids"):
            return text
        domain, colon, raw = text.partition(":")
        if colon and domain in self.manifest.get("domains", ()):
            return f"{domain}{colon}{normal_form(raw, key)}"
        return normal_form(text, key)

    def ids(self, values: Sequence[Any]) -> np.ndarray:
        """Returns ids of items as the graph takes those of one task, [1, N]."""
        return texts([list(map(self.id_of, values))])

    def item(self, item_id: str, score: Any) -> dict[str, Any]:
        """Returns an item of an answer: its id, its name if known, and its score."""
        name = self.item_names.get(item_id)
        item = {"item_id": item_id} | ({"item_name": name} if name else {})
        return item | {"score": round(float(score), 4)}


class KnownValues:
    """The vocabularies of an exported model, each read when it is first asked for.

    A vocabulary has the name of what its values are of: `item_id`, with clicks
    `user_id`, or a feature of users.

    Args:
        tables: The folder of the vocabularies, one value a line.
    """

    def __init__(self, tables: pathlib.Path) -> None:
        self._tables = tables
        self._values: dict[str, frozenset[str]] = {}

    def path(self, name: str) -> pathlib.Path:
        """Returns the file of a vocabulary, which is not there if it has no value."""
        return self._tables / f"{name}.txt"

    def of(self, name: str) -> frozenset[str]:
        """Returns all values of a vocabulary."""
        if name not in self._values:
            path = self.path(name)
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            self._values[name] = frozenset(text.split("\n")[:-1])
        return self._values[name]

    def missing(self, name: str, texts: Iterable[str]) -> list[str]:
        """Returns those texts, each once, that a vocabulary lacks."""
        known = self.of(name)
        return [text for text in dict.fromkeys(texts) if text not in known]
