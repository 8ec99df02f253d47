"""Ids and features of a request as rows of tables, in numpy alone."""

import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pipeline.settings.runtime import Tensors
from transforms.raw_text import LINE_BREAK, normal_id
from transforms.schema import UNKNOWN

PADDING = -1
REASONS = (b"", b"user_features", b"scenario", b"popularity", b"known_user")

_line_break = re.compile(LINE_BREAK)


class RequestRows:
    """Reads requests as the graph of a SavedModel does.

    Args:
        tables: The folder of the vocabularies.
        manifest: Of the version.
    """

    def __init__(self, tables: pathlib.Path, manifest: Mapping[str, Any]) -> None:
        self._domains = tuple(manifest.get("domains", ()))
        self._normalize = bool(manifest.get("normalize_ids"))
        self._features: Mapping[str, Any] = manifest["features"]
        self._ids = {
            role: _values(tables / f"{role}_id.txt") for role in manifest["roles"]
        }
        self._rows = {role: _rows_of(values) for role, values in self._ids.items()}
        self._rows_of_feature = {
            name: _rows_of(_values(tables / f"{name}.txt"))
            for name, feature in self._features.items()
            if feature["vocabulary_size"]
        }

    def of(self, inputs: Tensors) -> dict[str, np.ndarray]:
        """Returns the inputs of a signature by rows, of those by ids.

        Raises:
            ValueError: If a text is no UTF-8.
        """
        texts = {name: self._read(name, value) for name, value in inputs.items()}
        rows = {}
        for name, value in texts.items():
            if name.startswith("user_"):
                rows[name] = self._feature(name.removeprefix("user_"), value)
            elif name.endswith("_id"):
                table = self._rows[name.split("_")[1]]
                rows[name.removesuffix("_id") + "_row"] = _looked_up(table, value)
            else:
                rows[name] = np.asarray(value, np.float32)
        if "exclude_item_row" in rows:
            own = self._own_rows(texts, rows)
            excluded = rows["exclude_item_row"]
            rows["exclude_item_row"] = np.concatenate([own, excluded], axis=1)
        if "candidate_item_row" in rows:
            rows["candidate_item_row"] = _without_repeats(rows["candidate_item_row"])
        return rows

    def named(self, answer: Tensors) -> dict[str, np.ndarray]:
        """Returns the outputs of a signature by ids, of those by rows."""
        named = dict(answer)
        if "item_row" in named:
            ids = np.array([b"", *map(str.encode, self._ids["item"])], object)
            named["item_id"] = ids[named.pop("item_row")]
            reasons = np.array(REASONS, object)
            named["fallback_reason"] = reasons[named.pop("fallback")]
        return named

    def _read(self, name: str, value: np.ndarray) -> np.ndarray:
        """Returns texts as tables have them; numbers stay."""
        if np.asarray(value).dtype.kind not in "OSU":
            return value
        is_feature = name.startswith("user_")
        read = str.strip if is_feature or not self._normalize else self._normal
        return _each(lambda text: read(_text(text)), value)

    def _normal(self, text: str) -> str:
        stripped = text.strip()
        domain, colon, own = stripped.partition(":")
        if colon and domain in self._domains:
            return f"{domain}:{normal_id(own)}"
        return normal_id(stripped)

    def _own_rows(self, texts: Tensors, rows: Tensors) -> np.ndarray:
        """Returns what is not recommended again: int32 [B, S], -1 for none."""
        if "support_item_row" not in rows:
            return rows["exclude_item_row"][:, :0]
        if "candidate_item_id" not in texts:  # With ratings, all that was rated.
            return rows["support_item_row"]
        is_own = rows["support_label"] > 0.5
        if "support_user_id" in texts:  # By id, since all unknown users have one row.
            user = texts["query_user_id"][:, np.newaxis]
            is_own &= texts["support_user_id"] == user
        own: np.ndarray = np.where(is_own, rows["support_item_row"], PADDING)
        return own

    def _feature(self, name: str, value: np.ndarray) -> np.ndarray:
        """Returns a feature as int32 [B, V], known values first, or float32 [B]."""
        feature = self._features[name]
        if feature["kind"] == "numeric":
            return np.asarray(value, np.float32)
        table = self._rows_of_feature.get(name, {})
        most = feature["max_values"]
        rows = np.full([len(value), most], UNKNOWN, np.int32)
        for task, values in enumerate(value.reshape(len(value), -1)):
            counted = list(values)
            if feature["kind"] == "multi":
                counted = list(_different(values))[:most]
            known = [row for text in counted if (row := table.get(text, UNKNOWN)) > 0]
            rows[task, : len(known)] = known
        return rows


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _each(function: Any, values: np.ndarray) -> np.ndarray:
    """Returns what a function makes of each element, in an array of objects."""
    values = np.asarray(values)
    made = np.empty(values.size, object)
    made[:] = [function(value) for value in values.reshape(-1)]
    return made.reshape(values.shape)


def _values(path: pathlib.Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _rows_of(values: Iterable[str]) -> dict[str, int]:
    return {value: row for row, value in enumerate(values, start=1)}


def _looked_up(table: Mapping[str, int], texts: np.ndarray) -> np.ndarray:
    """Looks texts up, int32 of their shape; 0 for an unknown one, -1 for ""."""
    rows = [table.get(text, UNKNOWN) if text else PADDING for text in texts.reshape(-1)]
    return np.array(rows, np.int32).reshape(texts.shape)


def _different(texts: Iterable[str]) -> Iterable[str]:
    """Yields the texts that count: no blank, no line break, none a second time."""
    return dict.fromkeys(t for t in texts if t and not _line_break.search(t))


def _without_repeats(rows: np.ndarray) -> np.ndarray:
    """Makes rows int32 [B, N] unknown that stand further left already."""
    first = np.maximum(rows, UNKNOWN)
    for task in first:
        _, places = np.unique(task, return_index=True)
        repeated = np.ones(len(task), bool)
        repeated[places] = False
        task[repeated] = UNKNOWN
    return first
