"""What became of the rows of a table: used, left out or refused, and why."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

from transforms.plural import counted
from transforms.raw_text import FIRST_DATE, text_of_time

_EXAMPLES = "examples"
_RARE = (_EXAMPLES, "times")  # They count nothing; not written where they are empty.


@dataclasses.dataclass
class RowCounts:
    """What became of the rows of one table.

    Attributes:
        read: Rows read, unreadable ones included.
        used: Rows that the data set is made of.
        left_out: Legal rows that it is not made of, by reason.
        refused: Rows that break the format, by reason.
        unreadable: Rows, used or not, whose value of a feature cannot be read and is
            unknown for that, by feature.
        examples: A value that cannot be read and its column, in words, by feature.
        readable: Rows with a value of a feature that can be read, by feature.
        cut: Rows with more values of a feature than are kept, by feature.
        empty: Rows without a value of a feature, by feature.
        normalized: Rows whose id is not written in the normal form that it is given
            (`transforms.raw_text.normal_id`), by column.
        times: The first and the last time of rows that the parser took; empty where
            times are not read.
    """

    read: int = 0
    used: int = 0
    left_out: Counter[str] = dataclasses.field(default_factory=Counter)
    refused: Counter[str] = dataclasses.field(default_factory=Counter)
    unreadable: Counter[str] = dataclasses.field(default_factory=Counter)
    readable: Counter[str] = dataclasses.field(default_factory=Counter)
    cut: Counter[str] = dataclasses.field(default_factory=Counter)
    empty: Counter[str] = dataclasses.field(default_factory=Counter)
    normalized: Counter[str] = dataclasses.field(default_factory=Counter)
    examples: dict[str, str] = dataclasses.field(default_factory=dict)
    times: Sequence[float] = ()

    @classmethod
    def from_fields(cls, fields: Mapping[str, object]) -> Self:
        """Returns the counts that `to_fields` gave."""
        values: dict[str, Any] = {
            name: Counter(value)
            if isinstance(value, Mapping) and name != _EXAMPLES
            else value
            for name, value in fields.items()
        }
        return cls(**values)

    def to_fields(self) -> dict[str, Any]:
        """Returns what `from_fields` takes, to be written as JSON."""
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name, value in vars(self).items()
            if name not in _RARE or value
        }

    def merge(self, other: Self) -> None:
        """Adds the counts of other rows of the table."""
        self.read += other.read
        self.used += other.used
        for name, counts in vars(other).items():
            if isinstance(counts, Counter):
                getattr(self, name).update(counts)
        self.add_examples(other.examples)
        self.add_times(other.times)

    def add_times(self, times: Sequence[float]) -> None:
        """Takes in times, of which the first and the last are kept."""
        if known := [*self.times, *times]:
            self.times = [min(known), max(known)]

    def add_examples(self, examples: Mapping[str, str]) -> None:
        """Keeps one example of each feature, the same in whatever order they come."""
        for name, text in examples.items():
            self.examples[name] = min(text, self.examples.get(name, text))

    def count_forms(
        self, columns: Sequence[str], plain: Sequence[object], normal: Sequence[object]
    ) -> None:
        """Counts the columns of a row whose ids are not as they are written."""
        rows = zip(columns, plain, normal, strict=False)
        self.normalized.update(name for name, one, other in rows if one != other)

    def check_sum(self, table: str) -> None:
        """Checks that no row is lost.

        Raises:
            RuntimeError: If the parts are not the whole, which is a bug.
        """
        parts = self.used + self.left_out.total() + self.refused.total()
        if parts != self.read:
            raise RuntimeError(
                f"of the {self.read} rows of {table}, {self.used} were used, "
                f"{dict(self.left_out)} left out and {dict(self.refused)} refused, "
                f"which are {parts}."
            )

    def describe(self) -> str:
        """Says in one line what became of the rows."""
        parts = [f"{counted(self.read, 'row')}, {self.used} used"]
        for what, counts in (("left out", self.left_out), ("refused", self.refused)):
            if counts.total():
                known = (+counts).most_common()
                reasons = ", ".join(f"{n} {code}" for code, n in known)
                parts.append(f"{counts.total()} {what} ({reasons})")
        for what in ("empty", "unreadable", "cut"):
            if (counts := getattr(self, what)).total():
                names = ", ".join(f"{n} {name}" for name, n in counts.items())
                if what == "unreadable" and self.examples:
                    names += f" (such as {', '.join(self.examples.values())})"
                parts.append(f"values {what}: {names}")
        if self.normalized:
            names = ", ".join(f"{n} {name}" for name, n in self.normalized.items())
            parts.append(f"ids put in the form that answers have: {names}")
        if self.times:
            parts.append(f"times {self.describe_times()}")
        return ", ".join(parts)

    def describe_times(self) -> str:
        """Says from when to when rows are, as it is written in a configuration.

        Where other times are dates, 0 is said to be 1970, and seldom a time of a row.
        """
        first, last = map(text_of_time, self.times)
        if self.times[0] == 0.0 and self.times[-1] >= FIRST_DATE:
            first = "0 (1970-01-01T00:00:00Z, usually of rows whose time is missing)"
        return f"from {first} to {last}"


def merge_counts(
    into: dict[str, RowCounts], parts: Mapping[str, RowCounts]
) -> dict[str, RowCounts]:
    """Adds counts by table to others, and returns those."""
    for table, counts in parts.items():
        into.setdefault(table, RowCounts()).merge(counts)
    return into


def describe_times(tables: Mapping[str, RowCounts]) -> str:
    """Says from when to when the rows of each table with times are; "" without any."""
    spans = [
        f"{name} {counts.describe_times()}"
        for name, counts in tables.items()
        if counts.times
    ]
    return f"the times of {' and '.join(spans)}" if spans else ""
