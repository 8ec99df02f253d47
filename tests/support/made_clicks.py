"""Clicks as pipelines hold them, by column, from a few rows."""

import numpy as np
import pyarrow as pa

from transforms.clicks.clicks import ClickBlock
from transforms.clicks.scenario_users import ScenarioUsers
from transforms.reading.coded_column import coded_texts
from transforms.stable_hash import digest_numbers, stable_digest


def click_block(users, items, scenarios=None, table="clicks", times=None):
    """A block of clicks; without scenarios the log does not say them."""
    scenarios = scenarios or [""] * len(users)
    times = None if times is None else np.array(times, float)
    return ClickBlock(*map(coded_texts, (users, items, scenarios)), table, times)


def scenario_users(users, pool):
    """Users of a scenario: (id, items by role, folds of the known ones) of each."""
    places = {item_id: place for place, item_id in enumerate(pool)}
    clicks = [
        (places[item_id], role, fold)
        for _, roles, folds in users
        for role, items in enumerate(roles)
        for item_id, fold in zip(items, folds if not role else [0] * 99, strict=False)
    ]
    columns = np.array(clicks, np.int64).reshape(-1, 3).T
    digests = [stable_digest(0, one[0]) for one in users]
    return ScenarioUsers(
        digest_numbers(b"".join(digests)),
        pa.array([user_id for user_id, *_ in users], pa.string()),
        np.array([sum(map(len, roles)) for _, roles, _ in users], np.int64),
        *columns,
        np.zeros(len(columns[0])),
        0.0,
    )
