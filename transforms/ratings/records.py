"""Tasks to episode records."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from transforms import schema
from transforms.ratings.tasks import PARTS, Tasks
from transforms.writing.entity_files import EntityRows
from transforms.writing.tfrecord import PackedInts, encode_example


def encode_episodes(
    shard: int, tasks: Tasks, rows: EntityRows
) -> Iterator[tuple[str, bytes]]:
    """Yields split and record of each task, its ids as rows of the entity tables."""
    # Of the items of the shard those alone that are in a task have a row.
    in_tasks, codes = np.unique(tasks.codes, return_inverse=True)
    items = rows.items.of(tasks.items.take(pa.array(in_tasks)))[codes]
    ids = dict.fromkeys(tasks.task_ids)  # As the rows in the order of the ids.
    users = dict(zip(ids, rows.of_shard(shard).tolist(), strict=True))
    starts = tasks.ends - np.diff(tasks.ends, prepend=0)
    middles = starts + tasks.num_query
    ints = PackedInts(items)
    labels = tasks.labels.values[tasks.labels.codes].astype("<f4").tobytes()
    columns = zip(
        tasks.task_ids,
        tasks.parts.tolist(),
        ints.bytes_of(starts, middles),
        ints.bytes_of(middles, tasks.ends),
        *((4 * places).tolist() for places in (starts, middles, tasks.ends)),
        strict=True,
    )
    for task_id, part, query, support, start, middle, end in columns:
        record = encode_example(
            ints={
                schema.USER_KEY: [users[task_id]],
                schema.SUPPORT_ITEM_KEY: support,
                schema.QUERY_ITEM_KEY: query,
            },
            floats={
                schema.SUPPORT_LABEL_KEY: labels[middle:end],
                schema.QUERY_LABEL_KEY: labels[start:middle],
            },
            texts={schema.TASK_ID_KEY: task_id},
        )
        yield PARTS[part], record
