"""Tasks to episode records."""

from __future__ import annotations

from transforms import schema
from transforms.ratings.episodes import Task
from transforms.writing.entity_files import EntityRows
from transforms.writing.tfrecord import encode_example


def encode_episode(task: Task, rows: EntityRows) -> bytes:
    """Returns the record of one task, its ids as rows of the entity tables."""
    return encode_example(
        ints={
            schema.USER_KEY: [rows.users[task.task_id]],
            schema.SUPPORT_ITEM_KEY: [rows.items[i] for i in task.support.items],
            schema.QUERY_ITEM_KEY: [rows.items[i] for i in task.query.items],
        },
        floats={
            schema.SUPPORT_LABEL_KEY: task.support.labels,
            schema.QUERY_LABEL_KEY: task.query.labels,
        },
        texts={schema.TASK_ID_KEY: task.task_id},
    )
