"""An exported model, asked in this process about users and scenarios it never saw."""

from __future__ import annotations

import os
import pathlib
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cmml.project import Project, path_of
from cmml.support import Features, Ids, Support, features, ids, plain, support_pairs
from pipeline.experiment import quiet
from pipeline.experiment.version_dir import SAVED_MODEL, newest_version
from pipeline.export.export_of_config import export_of_config
from pipeline.export.loaded_version import load_version
from pipeline.settings.request_values import describe_unknown

if TYPE_CHECKING:
    from pipeline.settings.exported_model import ExportedModel


class Model:
    """An exported model of either setting.

    It keeps nothing of a request: every call adapts to the support set of that call.
    Answers are lists of plain dicts, which `pandas.DataFrame` takes as they are.

    A support set is a list of dicts, a list of tuples, or a data frame with these
    columns. With ratings a pair is (item_id, label); with clicks it is (user_id,
    item_id) or (user_id, item_id, label), 1 for a click and 0 for none. A dict may have
    `item_name` in place of `item_id`. A pair that comes twice counts once; with two
    labels it is an error. Items, users and values that the model does not know are
    named in a warning.

    Args:
        exported: The model, loaded.
    """

    def __init__(self, exported: ExportedModel) -> None:
        self._exported = exported

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.directory)!r})"

    @property
    def directory(self) -> pathlib.Path:
        """The version that was opened."""
        return self._exported.directory

    @property
    def item_names(self) -> Mapping[str, str]:
        """Names of items by id; empty if the data has none."""
        return self._exported.item_names

    def recommend(
        self,
        support: Support = (),
        *,
        user: Features | None = None,
        user_id: str | int | None = None,
        k: int = 10,
        exclude: Ids = (),
        candidates: Ids | None = None,
    ) -> list[dict[str, Any]]:
        """Finds the items with the highest scores.

        Args:
            support: What is known of the user or the scenario; may be empty.
            user: With ratings, features of the user by name: a dict, or a row of a
                data frame of pandas.
            user_id: With clicks, for whom; needed there.
            k: Items, at most; the export holds no more than its `export.top_k`.
            exclude: Ids of items to leave out, beside those of the support set.
            candidates: With clicks, ids of the pool of the scenario; all items if None.

        Returns:
            One dict an item, best first: `item_id`, `item_name` if it has one, `score`;
            and, if the support set is empty, `fallback_reason`: what decided in its
            place. Pairs of which the model knows or sees nothing have none.

        Raises:
            ValueError: If a value is not what it should be; it names key and value.
        """
        top = _positive("k", k)
        request = self._request(support, user, user_id)
        if excluded := ids("exclude", exclude):
            request["exclude"] = excluded
        if candidates is not None:
            self._check_key("candidates", candidates)
            request["candidates"] = ids("candidates", candidates)
        answer = self._exported.answer(request, top)
        _warn(answer)
        why = answer.get("fallback_reason")
        reason = {"fallback_reason": why} if why else {}
        return [item | reason for item in answer["recommended"]]

    def rank(
        self,
        support: Support,
        items: Ids,
        *,
        user: Features | None = None,
        user_id: str | int | None = None,
    ) -> list[dict[str, Any]]:
        """Scores some items.

        Args:
            support: As of `recommend`.
            items: Their ids; the model may never have seen one.
            user: As of `recommend`.
            user_id: As of `recommend`.

        Returns:
            One dict an item, best first: `item_id`, `item_name` if it has one, `score`.

        Raises:
            ValueError: As `recommend`.
        """
        request = self._request(support, user, user_id)
        request["query"] = _some("items", items)
        answer = self._exported.answer(request, 1)
        _warn(answer)
        ranked: list[dict[str, Any]] = answer["ranked"]
        return ranked

    def explain(
        self,
        support: Support,
        items: Ids,
        *,
        user: Features | None = None,
        user_id: str | int | None = None,
    ) -> list[dict[str, Any]]:
        """Tells what the score of each item owes to each support pair.

        Args:
            support: As of `recommend`, of no more pairs than the export explains (128).
            items: Their ids, no more than that either.
            user: As of `recommend`.
            user_id: As of `recommend`.

        Returns:
            One dict an item and support pair, best items first: those of `rank`, with
            `support_item_id`, `support_item_name` if it has one, `support_label`, with
            clicks `support_user_id`, and `attribution`, the score less what it would be
            without the pair.

        Raises:
            ValueError: As `recommend`, or if there are too many pairs or items.
        """
        request = self._request(support, user, user_id)
        item_ids = [self._exported.id_of(item) for item in _some("items", items)]
        answer = self._exported.explained(request, item_ids)
        _warn(self._exported.unknown(request | {"query": item_ids}))
        pairs = [self._described(pair) for pair in self._exported.support_of(request)]
        return [
            self._exported.item(item_ids[place], answer["score"][place])
            | pair
            | {"attribution": round(float(effect), 4)}
            for place in np.argsort(-answer["score"], kind="stable")
            for pair, effect in zip(pairs, answer["attribution"][place], strict=True)
        ]

    def _request(
        self,
        support: Support,
        user: Features | None,
        user_id: str | int | None,
    ) -> dict[str, Any]:
        """Makes a request, as `ExportedModel.answer` takes it, without items."""
        exported = self._exported
        request: dict[str, Any] = {
            "support": support_pairs(
                support,
                exported.pair_keys,
                needs_label=exported.default_label is None,
            )
        }
        if user is not None:
            self._check_key("user", user)
            request["user"] = features("user", user)
        if user_id is not None:
            self._check_key("user_id", user_id)
            request["user_id"] = plain(user_id)
        return request

    def _check_key(self, key: str, value: object) -> None:
        if key not in self._exported.keys:
            manifest = self._exported.manifest
            setting = manifest.get("setting", "user")
            task = manifest.get("task", setting)
            kind = repr(setting) if task == setting else f"{setting!r}, task {task!r},"
            raise ValueError(
                f"a model of setting {kind} takes no {key}, got {value!r}."
            )

    def _described(self, pair: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a support pair as columns of `explain`."""
        item_id = self._exported.item_of(pair)
        name = self.item_names.get(item_id)
        user = {}
        if "user_id" in self._exported.pair_keys:
            user_id = self._exported.id_of(pair["user_id"], "user_id")
            user = {"support_user_id": user_id}
        return {
            **user,
            "support_item_id": item_id,
            **({"support_item_name": name} if name else {}),
            "support_label": self._exported.label_of(pair),
        }


def open_model(source: str | os.PathLike[str] | Project) -> Model:
    """Opens an exported model of either setting.

    Args:
        source: A version in any format, those of `cmml export --format` included, of
            which ONNX and LiteRT need no TensorFlow; a folder of versions, of which
            the newest is taken; or a project, whose export by the keys of its
            configuration is taken.

    Raises:
        ValueError: If there is no exported model, or the source is no path.
    """
    if isinstance(source, Project):
        version = export_of_config(source.config)
    else:
        version = newest_version(path_of("source", source))
    if (version / SAVED_MODEL).is_file():
        quiet.import_tensorflow()
    return Model(load_version(version))


def _warn(answer: Mapping[str, Any]) -> None:
    """Names to the caller of a method what an answer says the model does not know."""
    if unknown := describe_unknown(answer):
        warnings.warn(f"the model does not know {unknown}", stacklevel=3)


def _some(key: str, values: Ids) -> Sequence[Any]:
    some = ids(key, values)
    if not some:
        raise ValueError(f"{key} must hold an item id, got [].")
    return some


def _positive(key: str, value: Any) -> int:
    number = plain(value)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{key} must be a whole number of at least 1, got {value!r}.")
    return number
