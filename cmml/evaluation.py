"""What the step `evaluate` left, as tables for a notebook."""

import dataclasses
import json
import pathlib
from typing import Any, TypeAlias

# A `pandas.DataFrame`; without pandas a list of dicts, one a row.
Table: TypeAlias = Any


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """CMML beside the baselines, on tasks that none of them has seen.

    In a notebook it shows itself as the table that `cmml evaluate` prints. Means are
    over tasks, `low` and `high` the ends of their 95 % bootstrap intervals.

    Attributes:
        directory: `eval/` of the run, which holds the scores of every pair too.
    """

    directory: pathlib.Path

    @property
    def metrics(self) -> Table:
        """One row a method, group and metric: its mean, low and high."""
        return _as_table(
            [
                {"method": method, "group": group, "metric": metric, **interval}
                for method, groups in self._read("metrics.json").items()
                for group, metrics in groups.items()
                for metric, interval in metrics.items()
            ]
        )

    @property
    def differences(self) -> Table:
        """One row a metric and two methods: mean, low and high of their difference.

        It is of `num_tasks` tasks, always the method less the reference.
        """
        return _as_table(self._read("differences.json")["differences"])

    @property
    def table(self) -> Table:
        """One row a method, one column a group and metric: the means alone."""
        rows = []
        for method, groups in self._read("metrics.json").items():
            row = {"method": method}
            for group, metrics in groups.items():
                row |= {f"{group} {name}": one["mean"] for name, one in metrics.items()}
            rows.append(row)
        return _as_table(rows)

    @property
    def text(self) -> str:
        """The table that `cmml evaluate` prints, in Markdown."""
        return (self.directory / "table.md").read_text(encoding="utf-8")

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:  # How notebooks ask for it.
        return self.text

    def _read(self, name: str) -> dict[str, Any]:
        text = (self.directory / name).read_text(encoding="utf-8")
        values: dict[str, Any] = json.loads(text)
        return values


def _as_table(rows: list[dict[str, Any]]) -> Table:
    try:
        import pandas
    except ModuleNotFoundError:
        return rows
    return pandas.DataFrame(rows)
