"""Which task, or pair, belongs to meta-train, meta-validation and meta-test."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.paths import path_in
from transforms.raw_text import normal_id
from transforms.row_counts import RowCounts, describe_times
from transforms.schema import META_TEST, META_TRAIN, META_VALIDATION, SPLITS
from transforms.specs import SplitSpec
from transforms.stable_hash import stable_fraction

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.integer[Any]]

_SHARES = {META_VALIDATION: "validation_fraction", META_TEST: "test_fraction"}


@dataclasses.dataclass(frozen=True)
class TaskSplitter:
    """Decides the split of a task from its id alone, alike on every worker.

    Attributes:
        spec: Seed and shares.
        listed: Split by task id, if a split file names the tasks.
        lists_validation: Whether that file names the meta-validation tasks too.
    """

    spec: SplitSpec
    listed: Mapping[str, str] | None = None
    lists_validation: bool = False

    def split_of(self, task_id: str) -> str | None:
        """Returns the split of a task, or None if the split file leaves it out."""
        spec = self.spec
        if self.listed is not None:
            split = self.listed.get(task_id)
        elif stable_fraction(spec.seed, META_TEST, task_id) < spec.test_fraction:
            split = META_TEST
        else:
            split = META_TRAIN
        if split != META_TRAIN or self.lists_validation:
            return split
        # Another salt than above, or the same tasks would always be drawn first.
        fraction = stable_fraction(spec.seed, META_VALIDATION, task_id)
        return META_VALIDATION if fraction < spec.validation_fraction else META_TRAIN

    def may_teach(self, task_id: str) -> bool:
        """Whether a user without a task is learnt from: unless kept for a test."""
        return self.listed is None or self.listed.get(task_id) == META_TRAIN


def drawn_by_chance(spec: SplitSpec) -> SplitSpec:
    """Returns a split of users without the shares of those that are split by time."""
    undrawn: dict[str, Any] = {_SHARES[split]: 0.0 for split in spec.starts}
    return dataclasses.replace(spec, **undrawn)


def about_times(spec: SplitSpec, tables: Mapping[str, RowCounts]) -> str:
    """Says what times of a split must be like; nothing if it, or all rows, have none.

    Args:
        spec: The split.
        tables: What became of the rows of each table.
    """
    times = describe_times(tables)
    if not (spec.starts and times):
        return ""
    return (
        f" A time in it, such as {spec.test_from}, must be among {times}: dates are "
        "seconds since 1970."
    )


def load_splitter(
    spec: SplitSpec, data_dir: str, tasks: str = "users", *, normalize: bool = False
) -> TaskSplitter:
    """Returns the splitter, having read the split file if there is one.

    Args:
        spec: The split.
        data_dir: Folder that the path of the split file is relative to.
        tasks: What the lists are called: "meta_train_users" and so on.
        normalize: Whether ids that differ in form only are one.

    Raises:
        ValueError: If the file is missing, is not JSON, lacks a list, or names a task
            in two of them.
    """
    if spec.path is None:
        return TaskSplitter(spec)
    path = split_file(spec.path, data_dir)
    try:
        lists = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"data.split.path must name a JSON file: {path}: {error}"
        ) from None
    names = {f"{split}_{tasks}": split for split in SPLITS}
    optional = f"{META_VALIDATION}_{tasks}"
    needed = [n for n in names if n != optional or n in _as_dict(lists)]
    _check_lists(lists, needed, path)
    return TaskSplitter(
        spec, _listed(lists, names, path, normalize=normalize), optional in lists
    )


def split_file(name: str, data_dir: str) -> pathlib.Path:
    """Returns the path of the split file.

    Raises:
        ValueError: If it is not there.
    """
    path = path_in(data_dir, name)
    if not path.is_file():
        raise ValueError(
            f"data.split.path must name a file, got {name!r}: no such file as {path}."
        )
    return path


def _as_dict(lists: Any) -> dict[str, Any]:
    return lists if isinstance(lists, dict) else {}


def _check_lists(lists: Any, needed: list[str], path: pathlib.Path) -> None:
    by_name = _as_dict(lists)
    if not all(isinstance(by_name.get(name), list) for name in needed):
        raise ValueError(
            f"data.split.path must name a JSON object with the lists {needed}, and "
            f"{path} has {sorted(by_name) or type(lists).__name__}."
        )


def _listed(
    lists: Mapping[str, Any],
    names: Mapping[str, str],
    path: pathlib.Path,
    *,
    normalize: bool,
) -> dict[str, str]:
    listed: dict[str, str] = {}
    for name, split in names.items():
        for value in lists.get(name, ()):
            task_id = _listed_id(value, f"{name} of {path}")
            task_id = normal_id(task_id) if normalize else task_id
            if listed.setdefault(task_id, split) != split:
                raise ValueError(
                    f"no task may be in two lists of the split file, but {path} has "
                    f"{task_id!r} for {listed[task_id]} and {split}."
                )
    return listed


def _listed_id(value: Any, where: str) -> str:
    """Returns an id as preparation reads one: 31, 31.0 and " 31" are "31"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{where} must be ids, got {value!r}.")
    return str(value).strip()


class SplitWindows(NamedTuple):
    """The split of each owner of some rows, by the first of them.

    Attributes:
        first: float64 [N], time of the first row of each owner.
        windows: int [N], how many of the starts are not after it.
        is_early: bool [R], which rows are before the split after that of their owner.
    """

    first: _Floats
    windows: _Ints
    is_early: npt.NDArray[np.bool_]


def split_windows(
    owners: _Ints, times: _Floats, num_owners: int, starts: Mapping[str, float]
) -> SplitWindows:
    """Splits owners of rows by time.

    Args:
        owners: int [R], whose each row is: a user, or a pair of user and item.
        times: float64 [R], when it was.
        num_owners: N; each has a row.
        starts: As of `SplitSpec`; without any, all rows are early.
    """
    first = np.full(num_owners, np.inf)
    np.minimum.at(first, owners, times)
    windows = np.searchsorted(list(starts.values()), first, side="right")
    ends = np.array([*starts.values(), np.inf])[windows]
    return SplitWindows(first, windows, times < ends[owners])
