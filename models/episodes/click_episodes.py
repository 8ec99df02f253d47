"""Tasks to batches of episodes: drawn afresh for training, fixed for evaluation.

Episodes are the padded tensors that `models.recommender` describes, with three things
of their own. One episode has many users. Pairs without a click, the negatives, have the
label 0. `support_fit` and `query_fit`, int32 [B, 1], say which fit of the vectors an
episode is to be seen with: the one that has not seen the clicks it asks for. And
`query_open`, float32 [B, 1], is 1 where no pool is given, so that the whole catalogue
is asked about; that fit has seen no pool either.
"""

import dataclasses
import pathlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_draws import EpisodeSizes, aim_episode, draw_episode
from models.episodes.click_records import ScenarioTask
from models.legacy_keras import tf

# Positions times this, modulo 1, are spread evenly and in no order that shows.
_SCATTER = 3.0**0.5


def training_episodes(
    tasks: Iterable[ScenarioTask],
    sizes: EpisodeSizes,
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    catalogue: Sequence[int] | np.ndarray = (0,),
    per_fold: int = 1,
) -> tf.data.Dataset:
    """Meta-train episodes, drawn afresh, endlessly.

    For each episode one fold of the scenario's clicks is drawn, a fold as likely as it
    has clicks. The query is of that fold, clicks of each user as likely as those of
    another, since metrics count users alike. The support is of the others. So a query
    is asked as it will be in deployment: with vectors that have seen the support and
    not the query. All is a function of the step, the seed and the global seed of
    TensorFlow, so that a resumed training sees what an uninterrupted one would have.

    Args:
        tasks: The meta-train tasks, gone through once and not kept.
        sizes: How large episodes are.
        batch_size: B, scenarios in a batch; all batches are whole.
        seed: Seed of all draws.
        first_step: Batches left out at the start.
        catalogue: int [N], rows that negatives of batches without a pool are drawn
            from, those that stand there more often more often.
        per_fold: Fits of the vectors for each fold, as they have them.

    Returns:
        Batches of episodes. The query comes in groups of 1 + R pairs: a click, then its
        negatives; `query_mask` is alike within a group.

    Raises:
        ValueError: If the records hold fewer negatives than are asked for, or no task
            has a click.
    """
    unpacked = unpack_clicks(tasks)
    _check_negatives(sizes, unpacked.columns["negative"].shape[1])

    @tf.autograph.experimental.do_not_convert
    def to_episode(number: tf.Tensor, place: tf.Tensor) -> dict[str, tf.Tensor]:
        step = number // batch_size
        size_seed = tf.stack([tf.constant(seed, tf.int64), -1 - step])
        kind, share, aim = tf.unstack(tf.random.stateless_uniform([3], size_seed))
        num_support = tf.where(
            kind < sizes.full_support_fraction,
            sizes.support_size,
            tf.cast(share * (sizes.support_size + 1.0), tf.int32),
        )
        start, end = ends[place], ends[place + 1]
        clicks = {name: rows[start:end] for name, rows in unpacked.columns.items()}
        draw_seed = tf.stack([tf.constant(seed, tf.int64), number])
        is_open = aim < sizes.open_fraction
        episode = draw_episode(clicks, sizes, num_support, draw_seed)
        return aim_episode(episode, is_open, all_items, per_fold, draw_seed)

    all_items = tf.constant(catalogue, tf.int32)
    ends = tf.constant(unpacked.ends)
    num_tasks = unpacked.num_tasks
    places = tf.data.Dataset.range(num_tasks).shuffle(num_tasks, seed).repeat()
    numbered = places.enumerate().skip(first_step * batch_size)
    episodes = numbered.map(to_episode, num_parallel_calls=2)
    return episodes.batch(batch_size, drop_remainder=True).prefetch(4)


def _check_negatives(sizes: EpisodeSizes, stored: int) -> None:
    most = max(sizes.support_negatives, sizes.query_negatives)
    if most > stored:
        raise ValueError(
            f"support_negatives and query_negatives must be at most {stored}, "
            f"which the records hold for each click, got {most}."
        )


def support_episode(
    task: ScenarioTask, *, max_clicks: int, num_negatives: int
) -> dict[str, tf.Tensor]:
    """Returns the support set of one task, the same every time.

    Args:
        task: The task.
        max_clicks: Clicks taken, the first ones.
        num_negatives: Negatives taken beside each, the first ones.

    Returns:
        The `support_*` tensors, [1, S]: clicks in their order if alone, else mixed with
        the negatives.

    Raises:
        ValueError: If the record holds fewer negatives.
    """
    stored = task.support_negative.shape[1]
    if num_negatives > stored:
        raise ValueError(
            f"num_negatives must be at most {stored}, which the records hold for each "
            f"click, got {num_negatives}."
        )
    users, items = task.support_user[:max_clicks], task.support_item[:max_clicks]
    negatives = task.support_negative[:max_clicks, :num_negatives]
    item = np.concatenate([items[:, np.newaxis], negatives], axis=1)
    label = np.zeros(item.shape, np.float32)
    label[:, 0] = 1.0
    user = np.broadcast_to(users[:, np.newaxis], item.shape)
    order = np.arange(item.size)
    if num_negatives:
        order = np.argsort(((order + 1) ** 2 * _SCATTER) % 1.0)
    parts = {
        "user": user.ravel()[order],
        "item": item.ravel()[order],
        "label": label.ravel()[order],
        "mask": np.ones(item.size, bool),
    }
    return {
        f"support_{name}": tf.constant(part[np.newaxis]) for name, part in parts.items()
    }


def stack_supports(supports: Sequence[Mapping[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    """Returns the `support_*` tensors of several tasks, [B, S]; padding is zero.

    Args:
        supports: Of one task each, as `support_episode` returns them.
    """
    if len(supports) == 1:
        return dict(supports[0])
    width = max(support["support_mask"].shape[1] for support in supports)

    def padded(half: tf.Tensor) -> NDArray:
        return np.pad(half.numpy(), [(0, 0), (0, width - half.shape[1])])

    return {
        name: tf.constant(np.concatenate([padded(one[name]) for one in supports]))
        for name in supports[0]
    }


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
