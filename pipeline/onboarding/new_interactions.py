"""The first interactions of new users or of a new scenario, read line by line."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline.experiment.version_dir import read_vocabulary
from pipeline.onboarding.new_file import NewFile, open_new_file
from pipeline.onboarding.own_table import CLICK, OwnTable
from transforms.clicks.clicks import LABEL_TOO_LOW
from transforms.ratings.interactions import (
    INTERACTIONS,
    Interaction,
    interaction_columns,
    parse_interaction,
)
from transforms.reading.blocks import rows_of
from transforms.reading.rejected_row import RejectedRow, rejected_row
from transforms.reading.row_error import (
    CONFLICTING_ENTITY,
    DUPLICATE_PAIR,
    LABEL_OUT_OF_RANGE,
    RowError,
    UnwantedRowError,
)
from transforms.reading.text_rows import Fields, UnreadableRow
from transforms.reading.values import as_number
from transforms.schema import DataError
from transforms.specs import InteractionSpec

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
    own: OwnTable | None = None,
) -> NewInteractions:
    """Reads a file of text, as `open_new_file` knows its columns.

    A row is refused for the reasons for which `prepare` refuses one, and left out
    likewise.

    Args:
        path: The file.
        label_range: Lowest and highest label.
        feature_names: Features that the model takes of a user.
        only_whole: Whether labels are clicks: the ends of the range and nothing
            between.
        normalize: Whether ids that differ in form only are one.
        own: The table of the configuration, if one is known.

    Raises:
        DataError: As `open_new_file`, or if no row can be used; the message names line
            and cause.
    """
    file = open_new_file(path, own, feature_names)
    low, high = label_range
    spec = dataclasses.replace(
        file.table.interactions, label_min=low, label_max=high, time_column=None
    )
    reader = _Reader(file, spec, only_whole=only_whole, normalize=normalize)
    reader.read()
    if not reader.interactions:
        raise DataError(
            f"{path} has no row that can be used: {_summary(reader.refused)}."
        )
    return NewInteractions(reader.interactions, reader.features, reader.refused)


class _Reader:
    """Takes rows one after the other, and remembers what earlier ones said."""

    def __init__(
        self, file: NewFile, spec: InteractionSpec, *, only_whole: bool, normalize: bool
    ) -> None:
        self.interactions: list[Interaction] = []
        self.features: dict[str, dict[str, str]] = {}
        self.refused: list[RejectedRow] = []
        self._file = file
        self._spec = spec
        self._only_whole = only_whole
        self._normalize = normalize
        self._pairs: set[tuple[str, str]] = set()

    def read(self) -> None:
        """Takes each row, refuses it, or leaves it out."""
        block = self._file.block
        columns = (*interaction_columns(self._spec), *self._file.features)
        for line, fields in rows_of(block, self._spec.table, columns):
            try:
                if isinstance(fields, UnreadableRow):
                    raise fields.error
                with contextlib.suppress(UnwantedRowError):
                    self._take(fields)
            except RowError as error:
                self.refused.append(
                    rejected_row(INTERACTIONS, block, line, fields, columns, error)
                )

    def _take(self, fields: Fields) -> None:
        user, item, label, *raw = fields
        interaction = parse_interaction(
            (user, item, self._label(label)), self._spec, normalize=self._normalize
        )
        user_id, item_id, label = interaction
        ends = (self._spec.label_min, self._spec.label_max)
        if self._only_whole and label not in ends:
            detail = f"label must be 1 for a click or 0, got {label:g}"
            raise RowError(LABEL_OUT_OF_RANGE, detail)
        if (user_id, item_id) in self._pairs:
            detail = f"user {user_id!r} and item {item_id!r} are in an earlier row"
            raise RowError(DUPLICATE_PAIR, detail)
        names = self._file.features.values()
        texts = ((text or "").strip() for text in raw)
        features = dict(zip(names, texts, strict=True))
        earlier = self.features.setdefault(user_id, features)
        for name, text in features.items():
            if text != earlier[name]:
                detail = f"{name} of {user_id!r} was {earlier[name]!r}, got {text!r}"
                raise RowError(CONFLICTING_ENTITY, detail)
        self._pairs.add((user_id, item_id))
        self.interactions.append(interaction)

    def _label(self, raw: Any) -> Any:
        """Returns the label of a row, 1 of one that is a click by being there.

        Raises:
            RowError: If what makes a click is no number.
            UnwantedRowError: If the row is no click.
        """
        table = self._file.table
        has_label = self._spec.label_column in self._file.block.header
        if not table.needs_label and not has_label:
            return CLICK
        if table.click_at_least is None:
            return raw
        number = as_number(raw)
        if number is None or number < table.click_at_least:
            raise UnwantedRowError(LABEL_TOO_LOW)
        return CLICK


def _summary(refused: Sequence[RejectedRow]) -> str:
    if not refused:
        return "it holds a header line at most"
    examples = [f"line {row.line}: {row.detail}" for row in refused[:_SHOWN]]
    return f"{len(refused)} refused, {'; '.join(examples)}"


def num_unknown(version: pathlib.Path, name: str, rows: NewInteractions) -> int:
    """Counts ids of a file that are not in the vocabulary of the model."""
    ids = {getattr(row, name) for row in rows.interactions}
    return len(ids.difference(read_vocabulary(version, name)))
