"""Pools that are the library of one of their users."""

from collections.abc import Sequence

import numpy as np

from models.episodes.click_records import KnownClicks, ScenarioTask
from pipeline.settings.finding import Finding
from transforms.plural import counted, plural

_OWN_SHARE = 0.5  # Of a pool; from so much on it is that user's library.
_ABOVE_CHANCE = 5.0  # Times the share that the user has of all items.
_LIBRARY = 20  # Clicks in a pool; half of a small one is soon clicked.
_TOLERATED = 0.01  # Of the held-out clicks.


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
