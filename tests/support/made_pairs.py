"""Scored pairs of a few tasks, as tests write them down."""

import numpy as np

from models.evaluation.label_gain import LabelGain
from models.evaluation.scored_pairs import ScoredPairs


def rated_pairs(labels, scores, *, sizes=None, **distribution):
    """Makes rated pairs of tasks "u1", "u2" and so on, of users 1, 2 and so on.

    Args:
        labels: A list a task, empty for a task without a pair.
        scores: The same.
        sizes: Support pairs of each task; 0 by default.
        **distribution: The columns of a distribution, the same; none by default.
    """
    counts = [len(own) for own in labels]
    task = np.repeat(np.arange(len(counts)), counts)
    return ScoredPairs(
        [f"u{number}" for number in range(1, len(counts) + 1)],
        task=task,
        user=(task + 1).astype(np.int32),
        item=np.concatenate([np.arange(1, n + 1, dtype=np.int32) for n in counts]),
        support_size=np.repeat(sizes or [0] * len(counts), counts),
        score=np.concatenate([np.asarray(own, np.float32) for own in scores]),
        label=np.concatenate([np.asarray(own, np.float32) for own in labels]),
        label_gain=LabelGain(1.0, 5.0),
        **{
            name: np.concatenate([np.asarray(own, np.float32) for own in values])
            for name, values in distribution.items()
        },
    )


def clicked_pairs(*clicks, num_tasks=None, num_candidates=10):
    """Makes ranked clicks.

    Args:
        *clicks: Place of the task, row of the user, and rank; perhaps the score, which
            is the rank turned round by default.
        num_tasks: Tasks "s0", "s1" and so on; those of the clicks by default.
        num_candidates: Of each user.
    """
    columns = [(*click, -click[2])[:4] for click in clicks]
    task, user, rank, score = (
        np.array(column) for column in zip(*columns, strict=True)
    )
    return ScoredPairs(
        [f"s{number}" for number in range(num_tasks or task.max() + 1)],
        task=task,
        user=user.astype(np.int32),
        item=np.arange(1, len(columns) + 1, dtype=np.int32),
        support_size=np.zeros(len(columns), np.int64),
        score=score.astype(np.float32),
        rank=rank,
        num_tied=np.ones(len(columns), np.int64),
        num_candidates=np.full(len(columns), num_candidates),
    )
