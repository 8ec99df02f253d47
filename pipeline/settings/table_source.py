"""The raw tables of an experiment, whatever its tasks are, and what is said of them."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from models.evaluation.metric import MIN_TASKS
from pipeline.experiment.config_file import data_dir
from pipeline.experiment.prepared import way_to_more_tasks
from transforms.left_out import describe_left_out
from transforms.plural import counted
from transforms.raw_text import FIRST_DATE
from transforms.reading.fingerprint import fingerprint, text_bytes
from transforms.reading.tables import UsedTable, check_tables
from transforms.row_counts import describe_times
from transforms.schema import META_TEST, META_VALIDATION, REJECTED_DIR, CommonInfo
from transforms.splits import load_splitter
from transforms.table_spec import TableSpec

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

# Of interactions as text, some 2.5 million rows: what one worker holds at a time.
_BYTES_OF_SHARD = 1 << 26

# Whose mean error is known to a tenth of what it varies by from user to user.
_MANY_USERS = 100

_Spec = TypeVar("_Spec", bound=Any)

# A thousand lies between units; between 1973 and 2200 it is 73.
_LARGEST_RATIO = 100.0


@dataclasses.dataclass(frozen=True)
class TableSource:
    """Tables, and how they become episodes; a `Source`.

    Attributes:
        spec: The data set.
        tables: Those that it is made from.
        tasks: What a split file calls its tasks: "users" or "scenarios".
        write: Prepares the data set; arguments as of `transforms`' `prepare_dataset`.
        describe: Says what the data set holds, given what `write` returned, and its
            directory.
    """

    spec: Any
    tables: Sequence[UsedTable]
    tasks: str
    write: Callable[..., Any]
    describe: Callable[[Any, pathlib.Path], str]

    def validate(self) -> None:
        """Checks tables and columns; see `Source`."""
        check_tables(self.tables, data_dir())
        load_splitter(
            self.spec.split,
            data_dir(),
            self.tasks,
            normalize=self.spec.normalize_ids,
        )

    def fingerprint(self) -> str:
        """Returns what changes with inputs and options; see `Source`."""
        return fingerprint(self.spec, self.tables, data_dir())

    def prepare(self, directory: pathlib.Path, options: PipelineOptions) -> str:
        """Writes the data set; see `Source`."""
        info = self.write(
            self.spec,
            data_dir(),
            str(directory),
            fingerprint=self.fingerprint(),
            options=options,
        )
        return self.describe(info, directory)


def with_enough_shards(spec: _Spec, tables: Iterable[TableSpec]) -> _Spec:
    """Gives a data set more shards than it asks for, if its interactions are many.

    Args:
        spec: The data set.
        tables: Those of interactions or clicks. One that is missing counts nothing,
            since `validate` says more of it.
    """
    total = 0
    for table in tables:
        with contextlib.suppress(ValueError):
            total += text_bytes(table, data_dir())
    episodes = spec.episodes
    num_shards = max(episodes.num_shards, math.ceil(total / _BYTES_OF_SHARD))
    episodes = dataclasses.replace(episodes, num_shards=num_shards)
    return dataclasses.replace(spec, episodes=episodes)


def describe_counts(info: CommonInfo) -> list[str]:
    """Says what became of the rows of each table, and how ids find each other.

    The last lines are what was refused, and each reason why something was left out, of
    all tables.
    """
    lines = [f"prepare: {name}: {one.describe()}" for name, one in info.tables.items()]
    lines += [f"prepare: {join.describe()}" for join in info.joins]
    refused = ", ".join(f"{n} {code}" for code, n in info.num_rejected.items() if n)
    kept = f" (the rows are in {REJECTED_DIR}/)" if refused else ""
    lines.append(f"prepare: refused: {refused or 'nothing'}{kept}")
    left_out = describe_left_out(info.num_dropped) or ["nothing"]
    return [*lines, *(f"prepare: left out: {one}" for one in left_out)]


def describe_few_tasks(info: CommonInfo) -> list[str]:
    """Says which splits that methods are chosen or judged on have too few tasks."""
    few = [
        f"{split} has {counted(number, 'task')}"
        for split in (META_VALIDATION, META_TEST)
        if (number := info.num_tasks[split]) < MIN_TASKS
    ]
    if not few:
        return []
    chance = "a hash splits tasks, so that few are split by chance; "
    split = info.options["split"]
    if split["path"] or split.get("test_from") is not None:
        chance = ""
    cure = way_to_more_tasks(info.options, describe_times(info.tables))
    return [
        f"prepare: few tasks: {' and '.join(few)}, and fewer than {MIN_TASKS} do not "
        f"tell methods apart: {chance}{cure}"
    ]


def describe_few_to_choose_by(info: CommonInfo) -> list[str]:
    """Says that so few users are in meta-validation that they choose by chance.

    Each user is one task; a scenario has many users, and a few of them tell enough.
    """
    number = info.num_tasks[META_VALIDATION]
    if not MIN_TASKS <= number < _MANY_USERS:
        return []
    split = info.options["split"]
    cure = (
        f"a larger data.split.validation_fraction than {split['validation_fraction']}"
    )
    if start := split.get("validation_from"):
        cure = f"an earlier data.split.validation_from than {start}"
    if path := split["path"]:
        cure = f"more of them in data.split.path, {path},"
    return [
        f"prepare: {META_VALIDATION} has {counted(number, 'task')}, and fewer than "
        f"{_MANY_USERS} users choose hyperparameters and epochs by chance to some "
        f"extent: {cure} helps"
    ]


def describe_odd_times(info: CommonInfo) -> list[str]:
    """Says which tables seem to have times in two units, such as s and ms."""
    return [
        f"prepare: times of {name} seem to be in two units, {counts.describe_times()}: "
        "write all in one (dates are seconds since 1970), for data.split.test_from, "
        "validation_from and the order of rows go by them"
        for name, counts in info.tables.items()
        if counts.times and _are_far_apart(*counts.times)
    ]


def _are_far_apart(first: float, last: float) -> bool:
    """Whether the first may be seconds since 1970, and the last of another unit."""
    return first >= FIRST_DATE and last > _LARGEST_RATIO * first
