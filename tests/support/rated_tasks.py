"""Pairs and tasks by column from those written by hand, and back."""

import itertools
from collections import Counter
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms.entities.vocabularies import id_order
from transforms.ratings.episodes import TaskShard, counts_of_shard
from transforms.ratings.tasks import PARTS, Tasks
from transforms.ratings.user_pairs import UserPairs
from transforms.reading.coded_column import coded_numbers, coded_texts


class Pairs(NamedTuple):
    """Labelled pairs of one task, by column."""

    items: list[str]
    labels: list[float]


class Task(NamedTuple):
    """One task, or a user without one."""

    task_id: str
    split: str
    support: Pairs
    query: Pairs


def pairs_of(labels, times=None):
    """Pairs of users, given label and perhaps time by item id by user id."""
    users = sorted(labels, key=id_order)
    items = coded_texts(list(itertools.chain(*(labels[user] for user in users))))
    return UserPairs(
        users,
        items.values,
        np.repeat(np.arange(len(users)), [len(labels[user]) for user in users]),
        items.codes,
        coded_numbers(
            np.array([x for user in users for x in labels[user].values()], float)
        ),
        None
        if times is None
        else np.array(
            [times[user][item] for user in users for item in labels[user]], float
        ),
    )


def labels_of(pairs):
    """Label by item id by user id."""
    labels = {user: {} for user in pairs.users}
    items = pairs.items.to_pylist()
    rows = zip(pairs.owners, pairs.codes, pairs.labels.to_list(), strict=True)
    for owner, code, label in rows:
        labels[pairs.users[owner]][items[code]] = label
    return labels


def tasks_of(tasks):
    """Tasks by column, given single ones in order."""
    both = [(*task.query.items, *task.support.items) for task in tasks]
    items = coded_texts(list(itertools.chain(*both)))
    labels = [(*task.query.labels, *task.support.labels) for task in tasks]
    return Tasks(
        [task.task_id for task in tasks],
        np.array([PARTS.index(task.split) for task in tasks], int),
        np.cumsum([len(one) for one in both], dtype=int),
        np.array([len(task.query.items) for task in tasks], int),
        items.values,
        items.codes,
        coded_numbers(np.array(list(itertools.chain(*labels)), float)),
    )


def single_tasks(tasks):
    """Single tasks of those by column."""
    items = tasks.items.take(pa.array(tasks.codes)).to_pylist()
    labels, single, start = tasks.labels.to_list(), [], 0
    rows = zip(tasks.task_ids, tasks.parts, tasks.num_query, tasks.ends, strict=True)
    for task_id, part, num_query, end in rows:
        middle = start + num_query
        query = Pairs(items[start:middle], labels[start:middle])
        support = Pairs(items[middle:end], labels[middle:end])
        single.append(Task(task_id, PARTS[part], support, query))
        start = end
    return single


def shard_of_tasks(shard, tasks, num_dropped=None, num_refused=None):
    """A shard of single tasks, of whose users no pair was left out."""
    columns = tasks_of(tasks)
    both = [
        {**dict(zip(*task.query, strict=True)), **dict(zip(*task.support, strict=True))}
        for task in tasks
    ]
    labels = {}
    for task, of_task in zip(tasks, both, strict=True):
        labels.setdefault(task.task_id, {}).update(of_task)
    pairs = pairs_of(labels)
    counts = counts_of_shard(shard, pairs, columns)
    refused = Counter(num_refused or {})
    return TaskShard(shard, columns, Counter(num_dropped or {}), refused, *counts)


def texts(values):
    """A pyarrow array of texts."""
    return pa.array(values, pa.string())
