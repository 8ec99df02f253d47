"""Tasks and pools that are not as they must be."""

from collections.abc import Iterable, Sequence

import numpy as np

from models.episodes.click_records import KnownClicks, ScenarioTask
from pipeline.settings.finding import Finding, to_finding
from pipeline.settings.scenario.audit.pairs import keys_of
from transforms.clicks.schema import ScenarioDatasetInfo
from transforms.plural import counted, plural

_OWN_SHARE = 0.5  # Of a pool; from so much on it is that user's library.
_ABOVE_CHANCE = 5.0  # Times the share that the user has of all items.
_LIBRARY = 20  # Clicks in a pool; half of a small one is soon clicked.
_TOLERATED = 0.01  # Of the held-out clicks.


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
    pool_range = options["min_pool_size"], options["max_pool_size"]
    if info.has_user_tasks:
        pool_range = info.num_items, info.num_items

    def is_wrong(task: ScenarioTask, num_support: int, num_query: int) -> bool:
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


def pools_of_one_user(queried: Sequence[ScenarioTask], known: KnownClicks) -> Finding:
    """Looks for held-out clicks whose pool is mostly what their user has clicked.

    Pools are given to every method, and factors may hold them as side information. One
    that a single user has put together, as rare tags are, echoes what that user has
    clicked, held-out clicks included.

    Args:
        queried: Tasks of meta-validation and meta-test.
        known: All known clicks.
    """
    num_clicks = np.bincount(known.user, minlength=known.num_users + 1)
    num_echoes = num_queries = 0
    for task in queried:
        users, row = np.unique(task.query_user, return_inverse=True)
        of_known = np.searchsorted(users, task.known_user)
        clicked = np.bincount(row, minlength=users.size)
        in_pool = clicked + np.bincount(of_known, minlength=users.size)
        share = in_pool / task.pool.size
        of_all = (clicked + num_clicks[users]) / known.num_items
        echoes = (share >= _OWN_SHARE) & (share >= _ABOVE_CHANCE * of_all)
        echoes &= in_pool >= _LIBRARY
        num_echoes += int(clicked[echoes].sum())
        num_queries += task.query_user.size
    figures = (
        f"{num_echoes} of {counted(num_queries, 'held-out click')} "
        f"{plural(num_echoes, 'is', 'are')} of a user who has clicked "
        f"{_OWN_SHARE:.0%} of the pool or more, {_LIBRARY} items at least"
    )
    name = "pools of one user"
    if num_echoes > _TOLERATED * num_queries:
        return Finding(
            name,
            "LEAK",
            f"{figures}: such a pool tells what its user will click; leave scenarios "
            "out that one user made.",
        )
    return Finding(name, "ok", figures)
