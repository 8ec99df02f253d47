"""Scorers that know nothing of a network, and what factors have seen."""

import pathlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.baselines.clicks.pool_scores import click_matrix
from models.episodes.click_records import KnownClicks, ScenarioTask, with_all_known
from models.evaluation.intervals import bootstrap_mean
from models.factors.vector_files import VECTORS_JSON
from models.factors.vectors import Vectors
from models.whole_files import read_json
from pipeline.settings.finding import Finding, to_finding
from pipeline.settings.scenario.audit.pairs import places_of
from transforms import schema
from transforms.clicks.schema import ScenarioDatasetInfo
from transforms.plural import plural

Floats = NDArray[np.floating]

_POPULARITY = "popularity"

_TOLERANCE = 0.02  # Of a mean dot product; known clicks have a root mean square of 1.


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
    generator, clicks = np.random.default_rng(0), click_matrix(known)
    ranks = [
        _ranks(with_all_known(task, clicks), counts, factors, generator)
        for task in tasks
    ]
    own, shuffled, popular = map(np.concatenate, zip(*ranks, strict=True))
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
        weighed = factors.users[0][users] * factors.unit_weights[0]
        scores = weighed @ factors.items[0][task.pool].T
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


def incomplete_factors(folder: pathlib.Path, info: ScenarioDatasetInfo) -> Finding:
    """Looks for factors that lack a file, or a fit without each fold.

    Args:
        folder: Where the factors of a data set lie, one directory each.
        info: What `dataset.json` says.
    """
    directories = sorted(folder.glob("[!.]*"))
    return to_finding(
        "factors that are not complete",
        sum(not is_complete(directory, info) for directory in directories),
        f"{len(directories)} {plural(len(directories), 'directory', 'directories')} of "
        "factors",
        "without a fit for each fold, training queries clicks that its factors have "
        "seen; remove them and run `cmml pretrain`.",
    )


def is_complete(directory: pathlib.Path, info: ScenarioDatasetInfo) -> bool:
    """Whether a directory holds a fit to all known clicks and one without each fold."""
    required = (schema.SUCCESS, VECTORS_JSON, "user-*.tfrecord", "item-*.tfrecord")
    if not all(any(directory.glob(pattern)) for pattern in required):
        return False
    facts = read_json(directory / VECTORS_JSON)
    return bool(facts["num_fits"] == facts.get("per_fold", 1) * (info.num_folds + 1))


def fold_scores(in_fit: float, out_of_fold: float, held_out: float) -> Finding:
    """Judges whether factors have seen the clicks that training queries.

    Out of fold, clicks must not look more like those a fit has seen than like those
    that are held out.

    Args:
        in_fit: Mean dot product of known clicks by the fit that has seen them.
        out_of_fold: The same by the fit that has not.
        held_out: Mean dot product of held-out clicks by the fit to all known ones.
    """
    figures = (
        f"mean dot product {in_fit:.3f} of known clicks in their own fit, "
        f"{out_of_fold:.3f} out of fold, {held_out:.3f} of held-out clicks"
    )
    if not np.isfinite([in_fit, out_of_fold, held_out]).all():
        return Finding("factors out of fold", "note", f"{figures}: nothing to compare.")
    if out_of_fold > (in_fit + held_out) / 2 + _TOLERANCE:
        return Finding(
            "factors out of fold",
            "LEAK",
            f"{figures}: training sees clicks as evaluation never does; run `cmml "
            "pretrain` again.",
        )
    return Finding("factors out of fold", "ok", figures)


def factors_out_of_fold(
    tasks: Sequence[ScenarioTask], known: KnownClicks, factors: Vectors
) -> Finding:
    """Scores clicks by the fits that have seen them, and by those that have not.

    Args:
        tasks: Tasks of meta-validation.
        known: All known clicks.
        factors: A fit to all known clicks, and one without each fold.
    """

    def mean_dot(fit: NDArray, user: NDArray, item: NDArray) -> float:
        users = factors.users[fit, user] * factors.unit_weights[0]
        products = np.einsum("nd,nd->n", users, factors.items[fit, item])
        return float(products.mean())

    none = np.zeros_like(known.fold)
    query_user = np.concatenate([task.query_user for task in tasks])
    query_item = np.concatenate([task.query_item for task in tasks])
    # Pools are not a random choice of items: the same items must be compared.
    inside = np.isin(known.item, np.unique(query_item))
    user, item = known.user[inside], known.item[inside]
    return fold_scores(
        mean_dot(none[inside], user, item),
        mean_dot(factors.per_fold * (known.fold[inside] + 1), user, item),
        mean_dot(np.zeros_like(query_user), query_user, query_item),
    )
