"""Clicks of many tasks as tensors that take no memory of the process."""

import dataclasses
import pathlib
import tempfile
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import ScenarioTask
from models.legacy_keras import tf


@dataclasses.dataclass(frozen=True, eq=False)
class UnpackedClicks:
    """The support clicks of tasks, one task after the other.

    Attributes:
        columns: By name, N clicks: "user", "item" and "fold" int32 [N], "negative"
            int32 [N, K], and "of_user" float32 [N], how many clicks of its task are of
            the user of each.
        ends: int64 [T + 1], where the clicks of each task begin, and the last ones end.
    """

    columns: dict[str, tf.Tensor]
    ends: NDArray[np.int64]

    @property
    def num_tasks(self) -> int:
        """Tasks with a click."""
        return self.ends.size - 1


def unpack_clicks(tasks: Iterable[ScenarioTask]) -> UnpackedClicks:
    """Writes the support clicks of tasks to files, and maps these into tensors.

    Training draws from a scenario many times over, in an order of its own, which
    compressed records do not allow. What is mapped is read when it is drawn from, and
    given up when memory is short. The files are in the folder for temporary ones, and
    have no name any more when this returns: they are gone when the process is.

    Args:
        tasks: Gone through once, none of them kept; those without a click are left out.

    Raises:
        ValueError: If no task has a click.
    """
    sizes: list[int] = []
    shapes: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, np.dtype] = {}
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks:
            if not task.support_item.size:
                continue
            sizes.append(task.support_item.size)
            for name, column in _columns(task).items():
                shapes[name], dtypes[name] = column.shape[1:], column.dtype
                with pathlib.Path(folder, name).open("ab") as file:
                    file.write(column.tobytes())
        if not sizes:
            raise ValueError("training needs a task with a click, got none.")
        columns = {
            name: tf.raw_ops.ImmutableConst(
                dtype=dtypes[name],
                shape=(sum(sizes), *shapes[name]),
                memory_region_name=str(pathlib.Path(folder, name)),
            )
            for name in shapes
        }
    return UnpackedClicks(columns, np.cumsum([0, *sizes]))


def _columns(task: ScenarioTask) -> dict[str, NDArray]:
    _, place, counts = np.unique(
        task.support_user, return_inverse=True, return_counts=True
    )
    return {
        "user": task.support_user,
        "item": task.support_item,
        "fold": task.support_fold,
        "negative": task.support_negative,
        "of_user": counts[place].astype(np.float32),
    }
