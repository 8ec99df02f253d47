"""The first interactions of new users or of a new scenario, read line by line."""

import collections
import dataclasses
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.experiment.version_dir import read_vocabulary
from pipeline.onboarding.new_file import NewFile, open_new_file
from pipeline.onboarding.own_table import CLICK, OwnTable
from transforms.clicks.click_pairs import REPEATED_CLICK
from transforms.clicks.clicks import LABEL_TOO_LOW
from transforms.ratings.interactions import (
    INTERACTIONS,
    Interaction,
    interaction_columns,
    parse_interaction,
)
from transforms.ratings.user_pairs import REPEATED_PAIR
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
from transforms.reading.values import as_number, as_text, as_time
from transforms.schema import DataError
from transforms.specs import InteractionSpec

_SHOWN = 3  # Refused rows, or scenarios, that an error quotes.


@dataclasses.dataclass(frozen=True, eq=False)
class NewInteractions:
    """The rows of a file.

    Attributes:
        interactions: Those that can be used, in the order of the file.
        features: Raw features by user id, text by name of the feature; empty text
            where there is none.
        refused: Those that cannot be used.
        left_out: Number of the others by reason, as `prepare` counts them.
    """

    interactions: Sequence[Interaction]
    features: Mapping[str, Mapping[str, str]]
    refused: Sequence[RejectedRow]
    left_out: Mapping[str, int] = dataclasses.field(default_factory=dict)

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
    """Reads a file, as `open_new_file` knows its columns.

    A row is refused for the reasons for which `prepare` refuses one, and left out
    likewise: of the rows of a pair the same one counts. A click counts before a row
    that says that there was none.

    Args:
        path: The file.
        label_range: Lowest and highest label.
        feature_names: Features that the model takes of a user.
        only_whole: Whether labels are clicks: the ends of the range and nothing
            between.
        normalize: Whether ids that differ in form only are one.
        own: The table of the configuration, if one is known.

    Raises:
        DataError: As `open_new_file`, or if no row can be used, or rows are of several
            scenarios; the message names line and cause, or the scenarios.
    """
    file = open_new_file(path, own, feature_names)
    low, high = label_range
    spec = dataclasses.replace(file.table.interactions, label_min=low, label_max=high)
    reader = _Reader(file, spec, only_whole=only_whole, normalize=normalize)
    reader.read()
    if len(reader.scenarios) > 1:
        raise DataError(_several_scenarios(path, file, [*reader.scenarios]))
    if not reader.interactions:
        raise DataError(
            f"{path} has no row that can be used: {_summary(reader.refused)}."
        )
    return NewInteractions(
        reader.interactions, reader.features, reader.refused, +reader.left_out
    )


class _Row(NamedTuple):
    """A row that can be used, unless another one has its pair."""

    line: int
    fields: Fields
    interaction: Interaction
    time: float


class _Reader:
    """Takes rows one after the other, and then of each pair one."""

    def __init__(
        self, file: NewFile, spec: InteractionSpec, *, only_whole: bool, normalize: bool
    ) -> None:
        self.interactions: list[Interaction] = []
        self.features: dict[str, dict[str, str]] = {}
        self.refused: list[RejectedRow] = []
        self.left_out: collections.Counter[str] = collections.Counter()
        self.scenarios: dict[str, None] = {}  # In the order of the file.
        self._file = file
        self._spec = spec
        column = file.table.scenario_column
        self._scenario = [column] if column in file.block.header else []
        self._columns = (*interaction_columns(spec), *file.features, *self._scenario)
        self._only_whole = only_whole
        self._normalize = normalize
        self._rows: dict[tuple[str, str], list[_Row]] = {}  # By user and item.

    def read(self) -> None:
        """Takes each row, refuses it, or leaves it out."""
        block = self._file.block
        for line, fields in rows_of(block, self._spec.table, self._columns):
            try:
                if isinstance(fields, UnreadableRow):
                    raise fields.error
                self._take(line, fields)
            except UnwantedRowError as error:
                self.left_out[error.reason] += 1
            except RowError as error:
                self._refuse(line, fields, error)
        chosen = [self._choose(rows) for rows in self._rows.values()]
        self.interactions = [row.interaction for row in sorted(chosen, key=_line)]
        self.refused.sort(key=_line)

    def _take(self, line: int, fields: Fields) -> None:
        user, item, label, *raw = fields
        time = 0.0
        if self._spec.time_column is not None:
            raw_time, *raw = raw
            time = as_time(raw_time, self._spec.time_column)
        if self._scenario:
            *raw, scenario = raw
            if (name := as_text(scenario)) is not None:
                self.scenarios[name] = None
        interaction = parse_interaction(
            (user, item, self._label(label)), self._spec, normalize=self._normalize
        )
        user_id, item_id, label = interaction
        ends = (self._spec.label_min, self._spec.label_max)
        if self._only_whole and label not in ends:
            detail = f"label must be 1 for a click or 0, got {label:g}"
            raise RowError(LABEL_OUT_OF_RANGE, detail)
        names = self._file.features.values()
        texts = (as_text(text) or "" for text in raw)
        features = dict(zip(names, texts, strict=True))
        earlier = self.features.setdefault(user_id, features)
        for name, text in features.items():
            if text != earlier[name]:
                detail = f"{name} of {user_id!r} was {earlier[name]!r}, got {text!r}"
                raise RowError(CONFLICTING_ENTITY, detail)
        row = _Row(line, fields, interaction, time)
        self._rows.setdefault((user_id, item_id), []).append(row)

    def _choose(self, rows: Sequence[_Row]) -> _Row:
        """Returns the row of a pair that counts; the others are refused or left out."""
        if self._only_whole:
            chosen = max(rows, key=lambda row: row.interaction.label)  # The first.
            self.left_out[REPEATED_CLICK] += len(rows) - 1
            return chosen
        by_time = sorted(rows, key=lambda row: row.time)
        chosen = by_time[-1 if self._spec.keep == "last" else 0]
        if self._spec.keep in ("first", "last"):
            self.left_out[REPEATED_PAIR] += len(rows) - 1
            return chosen
        user_id, item_id, _ = chosen.interaction
        detail = f"user {user_id!r} and item {item_id!r} are in line {chosen.line}, too"
        for row in rows:
            if row is not chosen:
                self._refuse(row.line, row.fields, RowError(DUPLICATE_PAIR, detail))
        return chosen

    def _refuse(
        self, line: int, fields: Fields | UnreadableRow, error: RowError
    ) -> None:
        self.refused.append(
            rejected_row(
                INTERACTIONS, self._file.block, line, fields, self._columns, error
            )
        )

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


def _line(row: _Row | RejectedRow) -> int:
    return row.line


def _several_scenarios(
    path: pathlib.Path, file: NewFile, scenarios: Sequence[str]
) -> str:
    shown = ", ".join(map(repr, scenarios[:_SHOWN]))
    more = ", ..." if len(scenarios) > _SHOWN else ""
    return (
        f"{path} must hold clicks of one scenario, got {len(scenarios)} in column "
        f"{file.table.scenario_column!r} ({shown}{more}): onboard one at a time."
    )


def _summary(refused: Sequence[RejectedRow]) -> str:
    if not refused:
        return "it holds a header line at most"
    examples = [f"line {row.line}: {row.detail}" for row in refused[:_SHOWN]]
    return f"{len(refused)} refused, {'; '.join(examples)}"


def num_unknown(version: pathlib.Path, name: str, rows: NewInteractions) -> int:
    """Counts ids of a file that are not in the vocabulary of the model."""
    ids = {getattr(row, name) for row in rows.interactions}
    return len(ids.difference(read_vocabulary(version, name)))
