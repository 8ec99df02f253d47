"""Factors that lack a fit, or have seen what training queries."""

import pathlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks, ScenarioTask
from models.factors.vector_files import VECTORS_JSON
from models.factors.vectors import Vectors
from models.whole_files import read_json
from pipeline.settings.finding import Finding, to_finding
from transforms import schema
from transforms.clicks.schema import ScenarioDatasetInfo
from transforms.plural import plural

_TOLERANCE = 0.02  # Of a mean dot product; known clicks have a root mean square of 1.


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
        products = np.einsum(
            "nd,nd->n", factors.users[fit, user], factors.items[fit, item]
        )
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
