"""Values of features as a table gives them.

Requests to exported models are read by the same functions
(`pipeline.settings.user.request_features`); the served graph, which has no Python,
agrees (`models.serving.vocabulary`).
"""

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from transforms.reading.row_error import RowError
from transforms.reading.values import as_number, as_text
from transforms.row_counts import RowCounts
from transforms.schema import MAX_FEATURE_NUMBER
from transforms.specs import EntitySpec, FeatureSpec

_MAX_SHOWN = 40  # Characters of a value that a message quotes.

_TRUE = frozenset({"1", "1.0", "true", "t", "yes", "y"})
_FALSE = frozenset({"0", "0.0", "false", "f", "no", "n", "", "nan"})

# Values of one feature before encoding: texts, or a number.
FeatureValue = tuple[str, ...] | float | None


@dataclasses.dataclass
class FeatureFaults:
    """What of one row could be read, and what not or not wholly.

    Attributes:
        readable: Features with a value that can be read.
        unreadable: Features with one that cannot, and is unknown.
        examples: Of each of these the value and its column, in words.
        cut: Features with more values than are kept.
        empty: Features without a value.
        has_other_form: Whether the id of the row is not as it is written there.
    """

    readable: list[str] = dataclasses.field(default_factory=list)
    unreadable: list[str] = dataclasses.field(default_factory=list)
    examples: dict[str, str] = dataclasses.field(default_factory=dict)
    cut: list[str] = dataclasses.field(default_factory=list)
    empty: list[str] = dataclasses.field(default_factory=list)
    has_other_form: bool = False

    def feature(self, value: Any, spec: FeatureSpec) -> FeatureValue:
        """Reads the value of one feature; see `parse_feature`."""
        parsed = parse_feature(value, spec)
        if parsed.num_unreadable:
            self._is_unreadable(spec.name, *_column_and_value(value, spec))
        if parsed.num_cut:
            self.cut.append(spec.name)
        if parsed.value not in ((), None):
            self.readable.append(spec.name)
        elif not parsed.num_unreadable:
            self.empty.append(spec.name)
        return parsed.value

    def name(self, value: Any, spec: EntitySpec) -> str:
        """Reads a name for people, on one line; "" if there is none."""
        try:
            return " ".join((as_text(value, one_line=True) or "").split())
        except RowError:
            column = spec.name_column or ""
            self._is_unreadable(column, column, value)
            return ""

    def count(self, counts: RowCounts, num_rows: int) -> None:
        """Adds what is known of so many equal rows."""
        for sums, names in (
            (counts.readable, self.readable),
            (counts.unreadable, self.unreadable),
            (counts.cut, self.cut),
            (counts.empty, self.empty),
        ):
            for name in names:
                sums[name] += num_rows
        counts.add_examples(self.examples)

    def _is_unreadable(self, name: str, column: str, value: Any) -> None:
        self.unreadable.append(name)
        shown = repr(value)
        if len(shown) > _MAX_SHOWN:
            shown = f"{shown[:_MAX_SHOWN]}..."
        self.examples[name] = f"{shown} in column {column!r}"


@dataclasses.dataclass(frozen=True)
class ParsedFeature:
    """The value of a feature, and what of it is not in it.

    Attributes:
        value: A number or None if the feature is numeric, else different texts: at most
            one if it is categorical, at most `max_values` if it is "multi".
        num_unreadable: Values that cannot be read.
        num_cut: Values beyond `max_values`.
    """

    value: FeatureValue
    num_unreadable: int = 0
    num_cut: int = 0


def parse_feature(value: Any, spec: FeatureSpec) -> ParsedFeature:
    r"""Reads the value of one feature.

    A number beyond 1e30, a text with a line break and a list where one value is wanted
    cannot be read.

    Args:
        value: The field. Several values are a list, or a text with separators.
        spec: The feature.
    """
    if spec.kind == "numeric":
        return _number(value, spec.drop_pattern)
    parts, num_unreadable = _parts(value, spec)
    texts = []
    for part in parts:
        try:
            texts.append(_clean(part, spec.drop_pattern))
        except RowError:
            num_unreadable += 1
    different = tuple(dict.fromkeys(filter(None, texts)))
    limit = 1 if spec.kind == "categorical" else spec.max_values
    num_cut = max(len(different) - limit, 0)
    return ParsedFeature(different[:limit], num_unreadable, num_cut)


def flagged(values: Sequence[Any], spec: FeatureSpec) -> Any:
    """Returns the names of the columns of a row that have a 1.

    A value that is neither 1 nor 0, nor true or false, nor yes or no, nor empty, is one
    that cannot be read.
    """
    names: list[Any] = []
    for value, name in zip(values, spec.flags, strict=True):
        text = str(value).strip().lower() if value is not None else ""
        if text in _TRUE:
            names.append(name)
        elif text not in _FALSE:
            names.append({name: value})
    return names


def _parts(value: Any, spec: FeatureSpec) -> tuple[Iterable[Any], int]:
    """Returns the single values of a field, and how many cannot be read."""
    if spec.kind == "categorical":
        return (value,), 0
    if isinstance(value, list | tuple):
        return value, 0
    try:
        return (as_text(value) or "").split(spec.separator), 0
    except RowError:
        return (), 1


def _column_and_value(value: Any, spec: FeatureSpec) -> tuple[str, Any]:
    """Returns what cannot be read of a field: of flags one column."""
    if not spec.flags:
        return spec.source_columns[0], value
    return next((*part.items(),)[0] for part in value if isinstance(part, dict))


def _number(value: Any, drop_pattern: str | None) -> ParsedFeature:
    try:
        if drop_pattern is not None and isinstance(value, str | bytes):
            value = _clean(value, drop_pattern)
        number = as_number(value)
    except RowError:
        return ParsedFeature(None, 1)
    if number is not None and not _is_within_reach(number):
        return ParsedFeature(None, 1)
    return ParsedFeature(number)


def _is_within_reach(number: float) -> bool:
    """Whether a number is small enough as the float32 that is kept of it."""
    size = abs(number)
    return size < 2 * MAX_FEATURE_NUMBER and bool(
        np.float32(size) <= np.float32(MAX_FEATURE_NUMBER)
    )


def _clean(value: Any, drop_pattern: str | None) -> str | None:
    text = as_text(value)
    if text is None or drop_pattern is None:
        return text
    return _compiled(drop_pattern).sub("", text).strip()


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
