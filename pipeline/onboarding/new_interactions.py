"""The first interactions of new users or of a new scenario, read line by line."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Collection, Mapping, Sequence

from transforms.ratings.interactions import (
    INTERACTIONS,
    Interaction,
    parse_interaction,
)
from transforms.reading.blocks import Block, rows_of
from transforms.reading.rejected_row import RejectedRow, rejected_row
from transforms.reading.row_error import (
    CONFLICTING_ENTITY,
    DUPLICATE_PAIR,
    LABEL_OUT_OF_RANGE,
    RowError,
)
from transforms.reading.text_rows import (
    Fields,
    UnreadableRow,
    skip_byte_order_mark,
    split_header,
)
from transforms.schema import DataError
from transforms.specs import InteractionSpec
from transforms.table_spec import TableSpec

_REQUIRED = ("user_id", "item_id", "label")
_NOT_READ = "timestamp"  # Allowed, since logs have it; no method of ours goes by it.
_SHOWN = 3  # Refused rows that an error quotes.


@dataclasses.dataclass(frozen=True, eq=False)
class NewInteractions:
    """The rows of a file.

    Attributes:
        interactions: Those that can be used, in the order of the file.
        features: Raw features by user id, text by name of the feature; empty text
            where there is none.
        refused: The others.
    """

    interactions: Sequence[Interaction]
    features: Mapping[str, Mapping[str, str]]
    refused: Sequence[RejectedRow]

    @property
    def num_refused(self) -> dict[str, int]:
        """Refused rows by reason, the most frequent first."""
        counts = collections.Counter(row.reason for row in self.refused)
        return dict(counts.most_common())


def read_new_interactions(
    path: pathlib.Path,
    *,
    label_range: tuple[float, float],
    feature_names: Collection[str] = (),
    only_whole: bool = False,
    normalize: bool = False,
) -> NewInteractions:
    """Reads a CSV file with a header line.

    Its columns are `user_id`, `item_id` and `label`, in any order; `timestamp` may be
    there and is not read; others are features of users. A row is refused for the
    reasons for which `prepare` refuses one.

    Args:
        path: The file, UTF-8 text.
        label_range: Lowest and highest label.
        feature_names: Features that the model takes of a user.
        only_whole: Whether labels are clicks: the ends of the range and nothing
            between.
        normalize: Whether ids that differ in form only are one.

    Raises:
        DataError: If there is no such file, a column is missing, unknown or there
            twice, or no row can be used; the message names file, column or line.
    """
    if not path.is_file():
        raise DataError(f"{path} must be a CSV file: there is none.")
    with path.open("rb") as file:
        skip_byte_order_mark(file)
        header_line, data = file.readline(), file.read()
    table = TableSpec(path=str(path))
    columns = split_header(header_line, table)
    features = _feature_columns(path, columns, feature_names)
    low, high = label_range
    spec = InteractionSpec(table, label_column="label", label_min=low, label_max=high)
    block = Block(str(path), 0, first_line=2, data=data, header=columns)
    reader = _Reader(spec, features, only_whole, normalize=normalize)
    reader.read(block)
    if not reader.interactions:
        raise DataError(
            f"{path} has no row that can be used: {_summary(reader.refused)}."
        )
    return NewInteractions(reader.interactions, reader.features, reader.refused)


def _feature_columns(
    path: pathlib.Path, columns: Sequence[str], feature_names: Collection[str]
) -> Sequence[str]:
    """Checks the header, and returns the columns that are features."""
    for column in _REQUIRED:
        if column not in columns:
            raise DataError(
                f"{path}, line 1: column {column!r} is missing, got {list(columns)}."
            )
    if len(set(columns)) < len(columns):
        raise DataError(f"{path}, line 1: columns must differ, got {list(columns)}.")
    features = [c for c in columns if c not in (*_REQUIRED, _NOT_READ)]
    if unknown := sorted(set(features) - set(feature_names)):
        known = [*_REQUIRED, _NOT_READ, *sorted(feature_names)]
        raise DataError(
            f"{path}, line 1: column {unknown[0]!r} is unknown; valid: {known}."
        )
    return features


class _Reader:
    """Takes rows one after the other, and remembers what earlier ones said."""

    def __init__(
        self,
        spec: InteractionSpec,
        features: Sequence[str],
        only_whole: bool,
        *,
        normalize: bool = False,
    ) -> None:
        self.interactions: list[Interaction] = []
        self.features: dict[str, dict[str, str]] = {}
        self.refused: list[RejectedRow] = []
        self._spec = spec
        self._feature_names = features
        self._only_whole = only_whole
        self._normalize = normalize
        self._pairs: set[tuple[str, str]] = set()

    def read(self, block: Block) -> None:
        """Takes each row, or refuses it."""
        columns = (*_REQUIRED, *self._feature_names)
        for line, fields in rows_of(block, self._spec.table, columns):
            try:
                if isinstance(fields, UnreadableRow):
                    raise fields.error
                self._take(fields)
            except RowError as error:
                self.refused.append(
                    rejected_row(INTERACTIONS, block, line, fields, columns, error)
                )

    def _take(self, fields: Fields) -> None:
        pair_fields, raw = fields[: len(_REQUIRED)], fields[len(_REQUIRED) :]
        interaction = parse_interaction(
            pair_fields, self._spec, normalize=self._normalize
        )
        user_id, item_id, label = interaction
        ends = (self._spec.label_min, self._spec.label_max)
        if self._only_whole and label not in ends:
            detail = f"label must be 1 for a click or 0, got {label:g}"
            raise RowError(LABEL_OUT_OF_RANGE, detail)
        if (user_id, item_id) in self._pairs:
            detail = f"user {user_id!r} and item {item_id!r} are in an earlier row"
            raise RowError(DUPLICATE_PAIR, detail)
        features = dict(
            zip(self._feature_names, (text.strip() for text in raw), strict=True)
        )
        earlier = self.features.setdefault(user_id, features)
        for name, text in features.items():
            if text != earlier[name]:
                detail = f"{name} of {user_id!r} was {earlier[name]!r}, got {text!r}"
                raise RowError(CONFLICTING_ENTITY, detail)
        self._pairs.add((user_id, item_id))
        self.interactions.append(interaction)


def _summary(refused: Sequence[RejectedRow]) -> str:
    if not refused:
        return "it holds a header line at most"
    examples = [f"line {row.line}: {row.detail}" for row in refused[:_SHOWN]]
    return f"{len(refused)} refused, {'; '.join(examples)}"


def num_unknown(version: pathlib.Path, name: str, rows: NewInteractions) -> int:
    """Counts ids of a file that are not in the vocabulary of the model."""
    path = version / "assets" / f"{name}.txt"
    known = set(path.read_text(encoding="utf-8").split("\n"))
    column: Sequence[str] = [getattr(row, name) for row in rows.interactions]
    return len(set(column) - known)
