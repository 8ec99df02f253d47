"""Few-shot curve of new users, on their own pairs."""

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from pipeline.onboarding.few_shot import MODEL, SIZES, FewShotCurve
from pipeline.onboarding.tasks import Floats, RankUsers, UserEpisode, UserTask
from pipeline.settings.user.metrics import MAE

NUM_SPLITS = 10
MAX_USERS = 200  # Of whom the curve is made, the first ones of a shuffle.
MIN_PAIRS = 2  # One for the support set, one for the query set.

_MAX_QUERY = 20

# Scores the query of an episode without a model.
Baseline: TypeAlias = Callable[[UserEpisode], Floats]


def user_curve(
    rank: RankUsers,
    tasks: Sequence[UserTask],
    baselines: Mapping[str, Baseline],
    *,
    reference: str,
) -> FewShotCurve:
    """Scores pairs of new users after 0, 1, 2, ... others of theirs.

    Each split shuffles the pairs of a user. The second half, of at most 20 pairs, is
    the query set; of the others the first ones are the support set. So every size of
    the support is judged on the same pairs, and no pair is ever in both.

    Args:
        rank: The model.
        tasks: At least one user, each with at least `MIN_PAIRS` pairs.
        baselines: Other methods by name.
        reference: The one that the model has to beat.

    Returns:
        The curve of the mean absolute error. Intervals are over users, each the mean
        of its splits; over splits if there is one user.
    """
    is_alone = len(tasks) == 1
    episodes = list(_episodes(tasks))
    scores = rank([episode for _, episode in episodes])
    shape = len(SIZES), len(tasks), NUM_SPLITS
    errors = collections.defaultdict[str, Floats](lambda: np.full(shape, np.nan))
    for (place, episode), episode_scores in zip(episodes, scores, strict=True):
        errors[MODEL][place] = episode.error(episode_scores)
        for name, baseline in baselines.items():
            errors[name][place] = episode.error(baseline(episode))
    is_reached = np.any(~np.isnan(errors[MODEL]), axis=(1, 2))  # [P]
    values = {
        name: values[:, 0] if is_alone else values.mean(axis=2)
        for name, values in errors.items()
    }
    return FewShotCurve(
        metric=MAE,
        unit="splits" if is_alone else "users",
        num_splits=NUM_SPLITS,
        sizes=[size for n, size in enumerate(SIZES) if is_reached[n]],
        values={name: errors[is_reached] for name, errors in values.items()},
        reference=reference,
    )


def _episodes(
    tasks: Sequence[UserTask],
) -> Iterator[tuple[tuple[int, int, int], UserEpisode]]:
    """Yields every episode and its place: size, user, split."""
    chance = np.random.default_rng(0)
    for user, task in enumerate(tasks):
        num_pairs = task.labels.size
        num_query = min(_MAX_QUERY, (num_pairs + 1) // 2)
        for split in range(NUM_SPLITS):
            order = chance.permutation(num_pairs)
            support, query = order[:-num_query], order[-num_query:]
            for place, size in enumerate(SIZES):
                if size <= support.size:
                    yield (place, user, split), UserEpisode(task, support[:size], query)
