"""The command `audit` with scenarios."""

import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.metrics import bootstrap_mean
from models.scenarios.records import (
    KnownClicks,
    ScenarioTask,
    load_known_clicks,
    load_tasks,
)
from models.scenarios.vector_files import load_vectors
from models.scenarios.vectors import Vectors
from pipeline.audit import (
    Finding,
    check,
    no_timestamps,
    print_report,
    tasks_overlap,
)
from pipeline.scenarios.config import ScenarioConfig
from pipeline.scenarios.loaded_scenarios import vectors_dir
from transforms import schema
from transforms.scenarios.schema import ScenarioDatasetInfo, load_scenario_info

Floats = NDArray[np.floating]

_POPULARITY = "popularity"


def audit(config: ScenarioConfig, dataset_dir: pathlib.Path) -> int:
    """Prints what was found in a data set of the scenario-specific setting.

    Meta-test is looked at for overlaps only; controls are scored on meta-validation.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        1 if there is a leak, else 0.
    """
    info = load_scenario_info(dataset_dir)
    known = load_known_clicks(dataset_dir, info)
    splits = {
        split: load_tasks(dataset_dir, split, info.num_negatives)
        for split in schema.SPLITS
    }
    vectors = _vectors(config, dataset_dir, info)
    ids = {split: [t.scenario_id for t in tasks] for split, tasks in splits.items()}
    asked = [*splits[schema.META_VALIDATION], *splits[schema.META_TEST]]
    findings = [
        tasks_overlap(ids),
        query_in_known_clicks(asked, known),
        query_in_support([t for tasks in splits.values() for t in tasks], asked),
        asked_in_two_splits(splits[schema.META_VALIDATION], splits[schema.META_TEST]),
        known_candidates(asked, known, _says_scenarios(info)),
        clicked_negatives(asked),
        negatives_held_out([t for tasks in splits.values() for t in tasks], asked),
        no_timestamps(),
        *_controls(splits[schema.META_VALIDATION], known, vectors),
        scenario_protocol(info),
    ]
    return print_report(dataset_dir, findings)


def pair_keys(user: NDArray[np.integer], item: NDArray[np.integer]) -> NDArray:
    """Returns one int64 for each pair of rows, different for different pairs."""
    return (user.astype(np.int64) << 32) | item.astype(np.int64)


def query_in_known_clicks(asked: Sequence[ScenarioTask], known: KnownClicks) -> Finding:
    """Looks for queries among the clicks that vectors are fitted to."""
    queries = _keys(asked, "query")
    num_bad = int(np.isin(queries, pair_keys(known.user, known.item)).sum())
    return check(
        "query pairs among the known clicks",
        num_bad,
        f"{queries.size} held-out clicks of meta-validation and meta-test",
        "vectors have seen the answer; prepare again.",
    )


def query_in_support(
    tasks: Sequence[ScenarioTask], asked: Sequence[ScenarioTask]
) -> Finding:
    """Looks for queries in any support set, and in what training draws from."""
    queries = _keys(asked, "query")
    num_bad = int(np.isin(queries, _keys(tasks, "support")).sum())
    return check(
        "query pairs in a support set or in meta-train",
        num_bad,
        f"{queries.size} held-out clicks",
        "one pair is in several scenarios, and this one is trained on in another; "
        "prepare again.",
    )


def known_candidates(
    asked: Sequence[ScenarioTask], known: KnownClicks, says_scenarios: bool
) -> Finding:
    """Looks for items that a user is known to have clicked, and are candidates.

    Args:
        asked: Tasks of meta-validation and meta-test.
        known: All known clicks.
        says_scenarios: Whether the log says which scenario a click happened in, so
            that an item clicked in another one is a candidate and no leak.
    """
    num_bad = num_pairs = 0
    order = np.argsort(known.user, kind="stable")
    users, items = known.user[order], known.item[order]
    for task in asked:
        excluded = pair_keys(task.known_user, task.known_item)
        of_query = np.isin(users, np.unique(task.query_user))
        in_pool = of_query & np.isin(items, task.pool)
        should_be = pair_keys(users[in_pool], items[in_pool])
        num_bad += int((~np.isin(should_be, excluded)).sum())
        num_pairs += should_be.size
    name = "known items among the candidates"
    if says_scenarios:
        return Finding(
            name,
            "note",
            f"{num_bad} of {num_pairs} known pairs inside pools: clicked in another "
            "scenario, as the log says.",
        )
    return check(
        name,
        num_bad,
        f"{num_pairs} known pairs inside pools",
        "they take the places of what is to be found; prepare again.",
    )


def clicked_negatives(asked: Sequence[ScenarioTask]) -> Finding:
    """Looks for negatives of query clicks that the same user has clicked."""
    num_bad = num_negatives = 0
    for task in asked:
        users = np.broadcast_to(
            task.query_user[:, np.newaxis], task.query_negative.shape
        )
        negatives = pair_keys(users, task.query_negative)
        clicked = np.concatenate([_keys([task], "query"), _keys([task], "known")])
        num_bad += int(np.isin(negatives, clicked).sum())
        num_negatives += negatives.size
    return check(
        "query negatives that were clicked",
        num_bad,
        f"{num_negatives} negatives",
        "clicks are counted as mistakes; prepare again.",
    )


def negatives_held_out(
    tasks: Iterable[ScenarioTask], asked: Sequence[ScenarioTask]
) -> Finding:
    """Counts support negatives that are held-out clicks, which nobody could know."""
    queries = np.unique(_keys(asked, "query"))
    num_found = num_negatives = 0
    for task in tasks:
        users = np.broadcast_to(
            task.support_user[:, np.newaxis], task.support_negative.shape
        )
        negatives = pair_keys(users, task.support_negative)
        num_found += int(np.isin(negatives, queries).sum())
        num_negatives += negatives.size
    return Finding(
        "support negatives that are held-out clicks",
        "note",
        f"{num_found} of {num_negatives}: as in deployment, where what will be clicked "
        "is not known. Avoiding them would tell the answer.",
    )


def fold_scores(in_fit: float, out_of_fold: float, held_out: float) -> Finding:
    """Judges whether vectors have seen the clicks that training asks for.

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
        return Finding("vectors out of fold", "note", f"{figures}: nothing to compare.")
    if abs(out_of_fold - in_fit) < abs(out_of_fold - held_out):
        return Finding(
            "vectors out of fold",
            "LEAK",
            f"{figures}: training sees clicks as evaluation never does; run `cmml "
            "pretrain` again.",
        )
    return Finding("vectors out of fold", "ok", figures)


def shuffled_users(own: Floats, shuffled: Floats, popular: Floats, by: str) -> Finding:
    """Judges the ranks of clicks that were dealt out to other users of the scenario.

    Args:
        own: float [N], normalised rank of each held-out click, 0 for the best.
        shuffled: The same for the items of other users in their place.
        popular: The same as `own`, by the known clicks of the item alone.
        by: What they were ranked by.
    """
    gap = bootstrap_mean(shuffled - own, seed=0)
    figures = (
        f"mean normalised rank by {by} on meta-validation: {own.mean():.3f} of "
        f"held-out clicks, {shuffled.mean():.3f} of those of other users, "
        f"{popular.mean():.3f} by popularity, 0.5 by chance"
    )
    if gap.low > 0.0 or by == _POPULARITY:
        return Finding("permuted labels", "ok", figures)
    return Finding(
        "permuted labels",
        "LEAK",
        f"{figures}. Whose click it is makes no difference: what is asked for can be "
        "told without knowing the user.",
    )


def asked_in_two_splits(
    validation: Sequence[ScenarioTask], test: Sequence[ScenarioTask]
) -> Finding:
    """Looks for pairs that meta-validation and meta-test both ask for."""
    first, second = _keys(validation, "query"), np.unique(_keys(test, "query"))
    return check(
        "query pairs of both meta-validation and meta-test",
        int(np.isin(second, first).sum()),
        f"{second.size} pairs of meta-test",
        "what choices were made by is reported again; prepare again.",
    )


def scenario_protocol(info: ScenarioDatasetInfo) -> Finding:
    """Says which published protocol the split is like, and where it is not."""
    episodes, split = info.options["episodes"], info.options["split"]
    support, low, high = (
        episodes[key] for key in ("support_size", "min_pool_size", "max_pool_size")
    )
    matches: list[str] = []
    differs: list[str] = []
    for what, theirs, ours in (
        ("64 support clicks", 64, support),
        ("pools of 100 to 1000 items", (100, 1000), (low, high)),
    ):
        here = "-".join(map(str, ours)) if isinstance(ours, tuple) else str(ours)
        (matches if theirs == ours else differs).append(f"{what}, here {here}")
    differs.append(
        f"{split['held_out_fraction']:.0%} of pairs are held out, while in theirs a "
        "pair may be in meta-train and meta-test at once, and support clicks come from "
        "users that are not asked about"
    )
    return Finding(
        "protocol",
        "note",
        "split by scenario as ScenarioMeta (s2Meta) and CMML do. Alike: "
        f"{'; '.join(matches) or 'nothing'}. Different: {'; '.join(differs)}.",
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
    own = np.take_along_axis(by_click, _places(task, item)[:, np.newaxis], axis=1)
    above = ((by_click > own) & valid).sum(axis=1)
    equal = ((by_click == own) & valid).sum(axis=1) - 1
    return (above + 0.5 * equal) / np.maximum(valid.sum(axis=1) - 1, 1)


def candidates(task: ScenarioTask, users: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Returns bool [U, P]: the pool of each user, without what they are known for."""
    is_candidate = np.ones((users.size, task.pool.size), bool)
    of_user = np.searchsorted(users, task.known_user)
    is_candidate[of_user, _places(task, task.known_item)] = False
    return is_candidate


def _controls(
    tasks: Sequence[ScenarioTask], known: KnownClicks, vectors: Vectors | None
) -> list[Finding]:
    """Ranks held-out clicks, as they are and dealt out to other users."""
    if not tasks:
        return [Finding("controls", "note", "there are no meta-validation tasks.")]
    counts = np.bincount(known.item, minlength=known.num_items + 1).astype(float)
    generator = np.random.default_rng(0)
    figures: list[tuple[Floats, Floats, Floats]] = []
    for task in tasks:
        users = np.unique(task.query_user)
        popularity = np.tile(counts[task.pool], (users.size, 1))
        scores = popularity
        if vectors is not None:
            scores = vectors.users[0][users] @ vectors.items[0][task.pool].T
        dealt = generator.permutation(task.query_item)
        # Only where the item is a candidate of the user it was dealt to.
        row = np.searchsorted(users, task.query_user)
        possible = candidates(task, users)[row, _places(task, dealt)]
        dealt = np.where(possible, dealt, task.query_item)
        own = normalised_ranks(task, scores, task.query_item)
        figures.append(
            (
                own[possible],
                normalised_ranks(task, scores, dealt)[possible],
                normalised_ranks(task, popularity, task.query_item)[possible],
            )
        )
    own, shuffled, popular = (
        np.concatenate(parts) for parts in zip(*figures, strict=True)
    )
    by = _POPULARITY if vectors is None else "the dot product of the vectors"
    findings = [
        shuffled_users(own, shuffled, popular, by),
        Finding(
            "popularity alone",
            "note",
            f"known clicks of an item rank held-out clicks at {popular.mean():.3f}: "
            "what a method gains on that, it gains by knowing user and scenario.",
        ),
    ]
    if vectors is None:
        return [*findings, Finding("vectors out of fold", "note", "none are fitted.")]
    return [*findings, _fold_finding(tasks, known, vectors)]


def _fold_finding(
    tasks: Sequence[ScenarioTask], known: KnownClicks, vectors: Vectors
) -> Finding:
    def mean_dot(fit: NDArray, user: NDArray, item: NDArray) -> float:
        products = np.einsum(
            "nd,nd->n", vectors.users[fit, user], vectors.items[fit, item]
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
        mean_dot(known.fold[inside] + 1, user, item),
        mean_dot(np.zeros_like(query_user), query_user, query_item),
    )


def _says_scenarios(info: ScenarioDatasetInfo) -> bool:
    clicks = [domain["clicks"] for domain in info.options["domains"]]
    return any(spec["scenario_column"] is not None for spec in clicks)


def _vectors(
    config: ScenarioConfig, dataset_dir: pathlib.Path, info: ScenarioDatasetInfo
) -> Vectors | None:
    directory = vectors_dir(config, dataset_dir, info)
    return load_vectors(directory) if (directory / schema.SUCCESS).is_file() else None


def _keys(tasks: Sequence[ScenarioTask], role: str) -> NDArray:
    parts = [
        pair_keys(getattr(task, f"{role}_user"), getattr(task, f"{role}_item"))
        for task in tasks
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])


def _places(task: ScenarioTask, items: NDArray) -> NDArray:
    return np.searchsorted(task.pool, items)
