"""Tasks that are not as the options of their data set say."""

from collections.abc import Iterable

import numpy as np

from models.episodes.click_records import ScenarioTask
from pipeline.settings.finding import Finding, to_finding
from pipeline.settings.scenario.audit.pairs import keys_of
from transforms.clicks.schema import ScenarioDatasetInfo
from transforms.plural import counted


def wrong_pools(tasks: Iterable[ScenarioTask]) -> Finding:
    """Looks for items that a pool holds twice, and for items outside of their pool."""
    num_bad = num_items = 0
    for task in tasks:
        named = (
            task.support_item,
            task.support_negative.ravel(),
            task.query_item,
            task.query_negative.ravel(),
            task.known_item,
        )
        items = np.concatenate(named)
        num_bad += int((np.diff(task.pool) <= 0).sum())
        num_bad += int((~np.isin(items, task.pool)).sum())
        num_items += task.pool.size + items.size
    return to_finding(
        "items twice in a pool or outside of it",
        num_bad,
        counted(num_items, "item"),
        "pools must be ascending and hold every item of their task; prepare again.",
    )


def too_small_tasks(
    trained: Iterable[ScenarioTask],
    queried: Iterable[ScenarioTask],
    info: ScenarioDatasetInfo,
) -> Finding:
    """Looks for tasks of another size than the options of the data set allow.

    Args:
        trained: Tasks of meta-train.
        queried: Tasks of meta-validation and meta-test.
        info: What `dataset.json` says.
    """
    options = info.options["episodes"]
    fewest = options["min_clicks"]

    def is_wrong(task: ScenarioTask, num_support: int, num_query: int) -> bool:
        pool_range = options["min_pool_size"], options["max_pool_size"]
        return (
            not pool_range[0] <= task.pool.size <= pool_range[1]
            or task.support_item.size < num_support
            or task.query_item.size < num_query
        )

    num_support = min(fewest, options["support_size"])
    wrong = [is_wrong(task, fewest, 0) for task in trained]
    wrong += [is_wrong(task, num_support, 1) for task in queried]
    return to_finding(
        "tasks of another size than the options say",
        sum(wrong),
        counted(len(wrong), "task"),
        "their pool, support or query is not as the options say; prepare again.",
    )


def repeated_clicks(tasks: Iterable[ScenarioTask]) -> Finding:
    """Looks for pairs that a task holds twice in its support, or in its query."""
    num_bad = num_pairs = 0
    for task in tasks:
        for role in ("support", "query"):
            pairs = keys_of([task], role)
            num_bad += pairs.size - np.unique(pairs).size
            num_pairs += pairs.size
    return to_finding(
        "pairs that a task holds twice",
        num_bad,
        counted(num_pairs, "pair"),
        "one of them can end up on the other side; prepare again.",
    )
