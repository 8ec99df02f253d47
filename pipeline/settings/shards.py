"""How many groups the tasks of a data set are built in."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterable
from typing import Any, TypeVar

from pipeline.experiment.config_file import data_dir
from transforms.reading.table_size import text_bytes
from transforms.table_spec import TableSpec

# Of interactions as text, some 2.5 million rows: what one worker holds at a time.
_BYTES_OF_SHARD = 1 << 26

_Spec = TypeVar("_Spec", bound=Any)


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
