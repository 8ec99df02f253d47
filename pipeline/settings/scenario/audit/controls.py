"""Scorers that know nothing of a network, as controls."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks, ScenarioTask
from models.evaluation.intervals import bootstrap_mean
from models.factors.vectors import Vectors
from pipeline.settings.finding import Finding
from pipeline.settings.scenario.audit.factors import factors_out_of_fold
from pipeline.settings.scenario.audit.pairs import places_of

Floats = NDArray[np.floating]

_POPULARITY = "popularity"


def controls(
    tasks: Sequence[ScenarioTask], known: KnownClicks, factors: Vectors | None
) -> list[Finding]:
    """Ranks held-out clicks, as they are and permuted over users.

    Args:
        tasks: Tasks of meta-validation.
        known: All known clicks.
        factors: To rank by their dot product; by popularity if None.
    """
    if not tasks:
        return [Finding("controls", "note", "there are no meta-validation tasks.")]
    counts = np.bincount(known.item, minlength=known.num_items + 1).astype(float)
    generator = np.random.default_rng(0)
    own, shuffled, popular = (
        np.concatenate(parts)
        for parts in zip(
            *(_ranks(task, counts, factors, generator) for task in tasks), strict=True
        )
    )
    by = _POPULARITY if factors is None else "the dot product of the factors"
    findings = [
        shuffled_users(own, shuffled, by),
        Finding(
            "popularity alone",
            "note",
            f"mean normalised rank by known clicks of the item: {popular.mean():.3f}; "
            "what a method gains on that, it gains by knowing user and scenario.",
        ),
    ]
    if factors is None:
        return [*findings, Finding("factors out of fold", "note", "none are fitted.")]
    return [*findings, factors_out_of_fold(tasks, known, factors)]


def _ranks(
    task: ScenarioTask,
    counts: Floats,
    factors: Vectors | None,
    generator: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """Returns the ranks of clicks, of those of others, and by popularity."""
    users = np.unique(task.query_user)
    popularity = np.tile(counts[task.pool], (users.size, 1))
    scores = popularity
    if factors is not None:
        scores = factors.users[0][users] @ factors.items[0][task.pool].T
    permuted = generator.permutation(task.query_item)
    # Only where the item is a candidate of the user it is moved to.
    row = np.searchsorted(users, task.query_user)
    possible = candidates(task, users)[row, places_of(task, permuted)]
    permuted = np.where(possible, permuted, task.query_item)
    own = normalised_ranks(task, scores, task.query_item)
    shuffled = normalised_ranks(task, scores, permuted)
    popular = normalised_ranks(task, popularity, task.query_item)
    return own[possible], shuffled[possible], popular[possible]


def shuffled_users(own: Floats, shuffled: Floats, by: str) -> Finding:
    """Judges the ranks of clicks that were permuted over the users of the scenario.

    Args:
        own: float [N], normalised rank of each held-out click, 0 for the best.
        shuffled: The same for the items of other users in their place.
        by: What they were ranked by.
    """
    gap = bootstrap_mean(shuffled - own, seed=0)
    figures = (
        f"mean normalised rank by {by} on meta-validation: {own.mean():.3f} of "
        f"held-out clicks, {shuffled.mean():.3f} of those of other users, 0.5 by chance"
    )
    if gap.low > 0.0 or by == _POPULARITY:
        return Finding("permuted labels", "ok", figures)
    return Finding(
        "permuted labels",
        "LEAK",
        f"{figures}. Whose click it is makes no difference: the query can be "
        "answered without knowing the user.",
    )


def normalised_ranks(task: ScenarioTask, scores: Floats, item: NDArray) -> Floats:
    """Ranks one item for each click of the query among the candidates of its user.

    Args:
        task: The task.
        scores: float [U, P], of each user of the query, in ascending order, for each
            item of the pool.
        item: int [Q], the items in place of `query_item`; candidates of their users.

    Returns:
        float [Q], 0 for the best and 1 for the last; equal scores share a rank.
    """
    users, place = np.unique(task.query_user, return_inverse=True)
    is_candidate = candidates(task, users)
    by_click = scores[place]  # [Q, P]
    valid = is_candidate[place]
    own = np.take_along_axis(by_click, places_of(task, item)[:, np.newaxis], axis=1)
    above = ((by_click > own) & valid).sum(axis=1)
    equal = ((by_click == own) & valid).sum(axis=1) - 1
    return (above + 0.5 * equal) / np.maximum(valid.sum(axis=1) - 1, 1)


def candidates(task: ScenarioTask, users: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Returns bool [U, P]: the pool of each user, without what they are known for."""
    is_candidate = np.ones((users.size, task.pool.size), bool)
    of_user = np.searchsorted(users, task.known_user)
    is_candidate[of_user, places_of(task, task.known_item)] = False
    return is_candidate
