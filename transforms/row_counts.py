"""What became of the rows of a table: used, left out or refused, and why."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from transforms.plural import counted

_EXAMPLES = "examples"  # The field that counts nothing; not written where it is empty.


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
        normalized: Rows whose id is written in another form, by column.
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

    @classmethod
    def from_fields(cls, fields: Mapping[str, object]) -> RowCounts:
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
            if name != _EXAMPLES or value
        }

    def merge(self, other: RowCounts) -> None:
        """Adds the counts of other rows of the table."""
        self.read += other.read
        self.used += other.used
        for name, counts in vars(other).items():
            if isinstance(counts, Counter):
                getattr(self, name).update(counts)
        self.add_examples(other.examples)

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
            parts.append(f"ids written in another form: {names}")
        return ", ".join(parts)


def merge_counts(
    into: dict[str, RowCounts], parts: Mapping[str, RowCounts]
) -> dict[str, RowCounts]:
    """Adds counts by table to others, and returns those."""
    for table, counts in parts.items():
        into.setdefault(table, RowCounts()).merge(counts)
    return into
