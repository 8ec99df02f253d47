"""Records of a prepared data set of scenarios, as arrays."""

import dataclasses
import pathlib
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.episodes.record_files import read_records
from models.legacy_keras import tf
from transforms import schema
from transforms.clicks import schema as scenario_schema
from transforms.clicks.schema import ScenarioDatasetInfo
from transforms.schema import UNKNOWN

# Of an item, while those drawn are clicked: in a catalogue of a few items all may be.
_MAX_DRAWS = 8

_TASKS_AT_ONCE = 32  # Scenarios may have some megabytes each.

Rows = NDArray[np.int32]

_CLICK_LISTS = (
    scenario_schema.CLICKS_ITEM_KEY,
    scenario_schema.CLICKS_FOLD_KEY,
)
_TASK_LISTS = (
    scenario_schema.POOL_KEY,
    scenario_schema.SUPPORT_USER_KEY,
    scenario_schema.SUPPORT_ITEM_KEY,
    scenario_schema.SUPPORT_FOLD_KEY,
    scenario_schema.SUPPORT_NEGATIVE_KEY,
    scenario_schema.QUERY_USER_KEY,
    scenario_schema.QUERY_ITEM_KEY,
    scenario_schema.QUERY_NEGATIVE_KEY,
    scenario_schema.KNOWN_USER_KEY,
    scenario_schema.KNOWN_ITEM_KEY,
)


@dataclasses.dataclass(frozen=True, eq=False)
class ScenarioTask:
    """One scenario: its pool of items, its support clicks, and the clicks to be found.

    Attributes:
        scenario_id: As it came in, with its domain before it if there are several.
        pool: int32 [P], item rows, ascending.
        support_user: int32 [S], user rows of known clicks.
        support_item: int32 [S], their items.
        support_fold: int32 [S], the fold of each.
        support_negative: int32 [S, K], items the same user has no known click on.
        query_user: int32 [Q], user rows of held-out clicks; none in meta-train.
        query_item: int32 [Q], their items.
        query_negative: int32 [Q, K], items that the same user has not clicked.
        known_user: int32 [N], users of the query with another item that they have
            clicked, known or held out for the other split: no candidate for them.
        known_item: int32 [N], those items.
    """

    scenario_id: str
    pool: Rows
    support_user: Rows
    support_item: Rows
    support_fold: Rows
    support_negative: Rows
    query_user: Rows
    query_item: Rows
    query_negative: Rows
    known_user: Rows
    known_item: Rows


@dataclasses.dataclass(frozen=True, eq=False)
class KnownClicks:
    """All known pairs of a data set, in scenarios or not, each once.

    Of a data set that is whole, held-out pairs are known too.

    Attributes:
        user: int32 [N], rows of the user table, ascending.
        item: int32 [N], rows of the item table.
        fold: int32 [N], in [0, num_folds).
        num_users: Rows of the user table, the unknown row not counted.
        num_items: Rows of the item table, the unknown row not counted.
    """

    user: Rows
    item: Rows
    fold: Rows
    num_users: int
    num_items: int


def read_tasks(
    dataset_dir: str | pathlib.Path, split: str, info: ScenarioDatasetInfo
) -> Iterator[ScenarioTask]:
    """Yields the tasks of a split, in the order of the files.

    Where users are tasks, the pool is the whole catalogue, which negatives are drawn
    from here, the same ones every time.

    Args:
        dataset_dir: A prepared data set of scenarios.
        split: "meta_train", "meta_validation" or "meta_test".
        info: What its `dataset.json` says.

    Raises:
        ValueError: If there is no file of that split.
    """
    spec: dict[str, object] = {
        key: tf.io.RaggedFeature(tf.int64) for key in _TASK_LISTS
    }
    spec[schema.TASK_ID_KEY] = tf.io.FixedLenFeature([], tf.string)
    directory = pathlib.Path(dataset_dir) / schema.EPISODES_DIR
    catalogue = np.arange(1, info.num_items + 1, dtype=np.int32)
    for batch in read_records(directory, split).batch(_TASKS_AT_ONCE):
        values = tf.io.parse_example(batch, spec)
        columns = {
            key.replace("/", "_"): np.split(
                values[key].values.numpy().astype(np.int32),
                values[key].row_splits.numpy()[1:-1],
            )
            for key in _TASK_LISTS
        }
        for place, task_id in enumerate(values[schema.TASK_ID_KEY].numpy()):
            lists = {name: of_each[place] for name, of_each in columns.items()}
            if info.has_user_tasks:
                lists |= _of_catalogue(task_id, lists, catalogue, info.num_negatives)
            for name in ("support_negative", "query_negative"):
                lists[name] = lists[name].reshape(-1, info.num_negatives)
            yield ScenarioTask(task_id.decode(), **lists)


def _of_catalogue(
    task_id: bytes, lists: Mapping[str, Rows], catalogue: Rows, num_negatives: int
) -> dict[str, Rows]:
    """Returns pool and negatives of a user who is a task, from the whole catalogue."""
    rng = np.random.default_rng(zlib.crc32(task_id))
    further = {"pool": catalogue}
    names = "support_item", "query_item", "known_item"
    clicked = np.concatenate([lists[name] for name in names])
    for name in ("support", "query"):
        number = len(lists[f"{name}_item"]) * num_negatives
        further[f"{name}_negative"] = _drawn(catalogue, clicked, number, rng)
    return further


def _drawn(
    catalogue: Rows, clicked: Rows, number: int, rng: np.random.Generator
) -> Rows:
    """Draws items, and again those that are clicked, if not all are, int32 [number]."""
    drawn = rng.choice(catalogue, number)
    for _ in range(_MAX_DRAWS):
        again = np.flatnonzero(np.isin(drawn, clicked))
        if not again.size:
            break
        drawn[again] = rng.choice(catalogue, len(again))
    return drawn


def of_nobody(task: ScenarioTask) -> ScenarioTask:
    """Returns a task of an unknown user, all of whose clicks are its own."""
    users = ("support_user", "query_user", "known_user")
    nobody = {name: np.full_like(getattr(task, name), UNKNOWN) for name in users}
    return dataclasses.replace(task, **nobody)


def with_all_known(task: ScenarioTask, clicks: scipy.sparse.csr_matrix) -> ScenarioTask:
    """Returns a task that names all that its users are known to have clicked.

    What they have clicked in another scenario could not be what is asked for: a pair is
    held out in all of them or in none.

    Args:
        task: The task.
        clicks: Known clicks, not 0, by user and item; see `click_matrix`.
    """
    users = np.unique(task.query_user)
    row, item = clicks[users].nonzero()
    inside = np.isin(item, task.pool)
    more_users, more_items = users[row[inside]], item[inside].astype(np.int32)
    return dataclasses.replace(
        task,
        known_user=np.concatenate([task.known_user, more_users]),
        known_item=np.concatenate([task.known_item, more_items]),
    )


def load_known_clicks(
    dataset_dir: str | pathlib.Path,
    info: ScenarioDatasetInfo,
    *,
    with_held_out: bool = False,
) -> KnownClicks:
    """Reads all known pairs.

    Args:
        dataset_dir: A prepared data set of scenarios.
        info: What its `dataset.json` says.
        with_held_out: Whether held-out pairs are read too.

    Raises:
        ValueError: If there is no file of clicks.
    """
    spec: dict[str, object] = {
        key: tf.io.RaggedFeature(tf.int64) for key in _CLICK_LISTS
    }
    spec[scenario_schema.CLICKS_USER_KEY] = tf.io.FixedLenFeature([], tf.int64)
    directory = pathlib.Path(dataset_dir) / scenario_schema.CLICKS_DIR
    users, items, folds = [], [], []
    held_out = [scenario_schema.HELD_OUT] if with_held_out else []
    records = read_records(directory, scenario_schema.KNOWN, *held_out)
    for batch in records.batch(1024):
        values = tf.io.parse_example(batch, spec)
        item_lists = values[scenario_schema.CLICKS_ITEM_KEY]
        user = values[scenario_schema.CLICKS_USER_KEY].numpy()
        users.append(np.repeat(user, item_lists.row_lengths().numpy()))
        items.append(item_lists.values.numpy())
        folds.append(values[scenario_schema.CLICKS_FOLD_KEY].values.numpy())
    user, item, fold = (
        np.concatenate([*parts, []]).astype(np.int32) for parts in (users, items, folds)
    )
    order = np.argsort(user, kind="stable")
    return KnownClicks(
        user[order], item[order], fold[order], info.num_users, info.num_items
    )
