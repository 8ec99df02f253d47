"""Leaks in a prepared data set of clicks, found before they flatter."""

import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import (
    KnownClicks,
    ScenarioTask,
    load_known_clicks,
    load_tasks,
)
from models.evaluation.intervals import bootstrap_mean
from models.factors.vector_files import VECTORS_JSON, load_vectors
from models.factors.vectors import Vectors
from pipeline.settings.finding import (
    Finding,
    check,
    compare_protocols,
    no_timestamps,
    tasks_overlap,
)
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import vectors_dir
from transforms import schema
from transforms.clicks.schema import (
    VECTORS_DIR,
    ScenarioDatasetInfo,
    load_scenario_info,
)

Floats = NDArray[np.floating]

_POPULARITY = "popularity"
_TOLERANCE = 0.02  # Of a mean dot product; known clicks have a root mean square of 1.


def audit_clicks(config: ScenarioConfig, dataset_dir: pathlib.Path) -> list[Finding]:
    """Looks for leaks in a data set of the scenario-specific setting.

    Meta-test is looked at for overlaps only; controls are scored on meta-validation.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        A finding a check.
    """
    info = load_scenario_info(dataset_dir)
    known = load_known_clicks(dataset_dir, info)
    splits = {
        split: load_tasks(dataset_dir, split, info.num_negatives)
        for split in schema.SPLITS
    }
    ids = {split: [t.scenario_id for t in tasks] for split, tasks in splits.items()}
    trained, validation = splits[schema.META_TRAIN], splits[schema.META_VALIDATION]
    asked = [*validation, *splits[schema.META_TEST]]
    pools = wrong_pools([*trained, *asked])
    findings = [
        tasks_overlap(ids),
        pools,
        too_small_tasks(trained, asked, info),
        repeated_clicks([*trained, *asked]),
        query_in_known_clicks(asked, known),
        query_in_support(trained, asked),
        asked_in_two_splits(validation, splits[schema.META_TEST]),
        known_candidates(asked, known, _says_scenarios(info)),
        clicked_negatives(asked),
        clicked_support_negatives([*trained, *asked]),
        negatives_held_out([*trained, *asked], asked),
        no_timestamps(),
        incomplete_vectors(dataset_dir / VECTORS_DIR, info),
    ]
    if pools.verdict == "ok":
        vectors = _vectors(config, dataset_dir, info)
        findings += controls(validation, known, vectors)
    else:
        findings.append(Finding("controls", "note", "left out: the pools are wrong."))
    findings.append(scenario_protocol(info, config.training.query_size))
    return findings


def pair_keys(user: NDArray[np.integer], item: NDArray[np.integer]) -> NDArray:
    """Returns one int64 for each pair of rows, different for different pairs."""
    return (user.astype(np.int64) << 32) | item.astype(np.int64)


def wrong_pools(tasks: Iterable[ScenarioTask]) -> Finding:
    """Looks for items that a pool holds twice, and for items outside of their pool."""
    num_bad = num_items = 0
    for task in tasks:
        named = (
            task.support_item,
            task.support_negative.ravel(),
            task.query_item,
            task.query_negative.ravel(),
            task.known_item,
        )
        items = np.concatenate(named)
        num_bad += int((np.diff(task.pool) <= 0).sum())
        num_bad += int((~np.isin(items, task.pool)).sum())
        num_items += task.pool.size + items.size
    return check(
        "items twice in a pool or outside of it",
        num_bad,
        f"{num_items} items",
        "pools must be ascending and hold every item of their task; prepare again.",
    )


def too_small_tasks(
    trained: Iterable[ScenarioTask],
    asked: Iterable[ScenarioTask],
    info: ScenarioDatasetInfo,
) -> Finding:
    """Looks for tasks of another size than the options of the data set allow.

    Args:
        trained: Tasks of meta-train.
        asked: Tasks of meta-validation and meta-test.
        info: What `dataset.json` says.
    """
    options = info.options["episodes"]
    fewest = options["min_clicks"]

    def is_wrong(task: ScenarioTask, num_support: int, num_query: int) -> bool:
        pool_range = options["min_pool_size"], options["max_pool_size"]
        return (
            not pool_range[0] <= task.pool.size <= pool_range[1]
            or task.support_item.size < num_support
            or task.query_item.size < num_query
        )

    shown = min(fewest, options["support_size"])
    wrong = [is_wrong(task, fewest, 0) for task in trained]
    wrong += [is_wrong(task, shown, 1) for task in asked]
    return check(
        "tasks of another size than was asked for",
        sum(wrong),
        f"{len(wrong)} tasks",
        "their pool, support or query is not as the options say; prepare again.",
    )


def repeated_clicks(tasks: Iterable[ScenarioTask]) -> Finding:
    """Looks for pairs that a task holds twice in its support, or in its query."""
    num_bad = num_pairs = 0
    for task in tasks:
        for role in ("support", "query"):
            pairs = _keys([task], role)
            num_bad += pairs.size - np.unique(pairs).size
            num_pairs += pairs.size
    return check(
        "pairs that a task holds twice",
        num_bad,
        f"{num_pairs} pairs",
        "one of them can end up on the other side; prepare again.",
    )


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
    trained: Sequence[ScenarioTask], asked: Sequence[ScenarioTask]
) -> Finding:
    """Looks for queries in any support set, and anywhere in meta-train.

    Args:
        trained: Tasks of meta-train, whose support is what training draws from.
        asked: Tasks of meta-validation and meta-test.
    """
    queries = _keys(asked, "query")
    shown = (
        _keys(trained, "support"),
        _keys(trained, "query"),
        _keys(asked, "support"),
    )
    num_bad = int(np.isin(queries, np.concatenate(shown)).sum())
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
    for task, negatives in _negatives(asked, "query"):
        clicked = np.concatenate([_keys([task], "query"), _keys([task], "known")])
        num_bad += int(np.isin(negatives, clicked).sum())
        num_negatives += negatives.size
    return check(
        "query negatives that were clicked",
        num_bad,
        f"{num_negatives} negatives",
        "clicks are counted as mistakes; prepare again.",
    )


def clicked_support_negatives(tasks: Iterable[ScenarioTask]) -> Finding:
    """Looks for negatives of support clicks that are support clicks of the same user.

    The support of meta-train holds all known clicks of the scenario, so that there
    every negative is held against all that is known.
    """
    num_bad = num_negatives = 0
    for task, negatives in _negatives(tasks, "support"):
        num_bad += int(np.isin(negatives, _keys([task], "support")).sum())
        num_negatives += negatives.size
    return check(
        "support negatives that are known clicks",
        num_bad,
        f"{num_negatives} negatives",
        "one pair is shown with both labels; prepare again.",
    )


def negatives_held_out(
    tasks: Iterable[ScenarioTask], asked: Sequence[ScenarioTask]
) -> Finding:
    """Counts support negatives that are held-out clicks, which nobody could know."""
    queries = np.unique(_keys(asked, "query"))
    num_found = num_negatives = 0
    for _, negatives in _negatives(tasks, "support"):
        num_found += int(np.isin(negatives, queries).sum())
        num_negatives += negatives.size
    return Finding(
        "support negatives that are held-out clicks",
        "note",
        f"{num_found} of {num_negatives}: as in deployment, where what will be clicked "
        "is not known. Avoiding them would tell the answer.",
    )


def incomplete_vectors(folder: pathlib.Path, info: ScenarioDatasetInfo) -> Finding:
    """Looks for vectors that lack a file, or a fit without each fold.

    Args:
        folder: Where the vectors of a data set lie, one directory each.
        info: What `dataset.json` says.
    """
    found = sorted(folder.glob("[!.]*"))
    return check(
        "vectors that are not complete",
        sum(not _is_complete(directory, info) for directory in found),
        f"{len(found)} directories of vectors",
        "without a fit for each fold, training asks for clicks that its vectors have "
        "seen; remove them and run `cmml pretrain`.",
    )


def fold_scores(in_fit: float, out_of_fold: float, held_out: float) -> Finding:
    """Judges whether vectors have seen the clicks that training asks for.

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
        return Finding("vectors out of fold", "note", f"{figures}: nothing to compare.")
    if out_of_fold > (in_fit + held_out) / 2 + _TOLERANCE:
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


def scenario_protocol(info: ScenarioDatasetInfo, query_size: int) -> Finding:
    """Says which published protocol the split is like, and where it is not.

    Args:
        info: What `dataset.json` says.
        query_size: Most clicks in the query set of a training episode.
    """
    episodes, split = info.options["episodes"], info.options["split"]
    support, low, high = (
        episodes[key] for key in ("support_size", "min_pool_size", "max_pool_size")
    )
    compared = compare_protocols(
        [
            ("64 support clicks", 64, support),
            ("128 query clicks of a training episode", 128, query_size),
            ("pools of 100 to 1000 items", "100 to 1000", f"{low} to {high}"),
            (
                "a pair may be in meta-train and meta-test at once",
                "0%",
                f"{split['held_out_fraction']:.0%} of pairs are held out",
            ),
            (
                "support clicks of users that are not asked about",
                "apart",
                "users may be in both",
            ),
        ]
    )
    return Finding(
        "protocol",
        "note",
        f"split by scenario as ScenarioMeta (s2Meta) and CMML do. {compared}",
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


def controls(
    tasks: Sequence[ScenarioTask], known: KnownClicks, vectors: Vectors | None
) -> list[Finding]:
    """Ranks held-out clicks, as they are and dealt out to other users.

    Args:
        tasks: Tasks of meta-validation.
        known: All known clicks.
        vectors: To rank by their dot product; by popularity if None.
    """
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
    return [*findings, vectors_out_of_fold(tasks, known, vectors)]


def vectors_out_of_fold(
    tasks: Sequence[ScenarioTask], known: KnownClicks, vectors: Vectors
) -> Finding:
    """Scores clicks by the fits that have seen them, and by those that have not.

    Args:
        tasks: Tasks of meta-validation.
        known: All known clicks.
        vectors: A fit to all known clicks, and one without each fold.
    """

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
    return load_vectors(directory) if _is_complete(directory, info) else None


def _is_complete(directory: pathlib.Path, info: ScenarioDatasetInfo) -> bool:
    wanted = (schema.SUCCESS, VECTORS_JSON, "user-*.tfrecord", "item-*.tfrecord")
    if not all(any(directory.glob(pattern)) for pattern in wanted):
        return False
    facts = json.loads((directory / VECTORS_JSON).read_text(encoding="utf-8"))
    return bool(facts["num_fits"] == info.num_folds + 1)


def _negatives(
    tasks: Iterable[ScenarioTask], role: str
) -> Iterator[tuple[ScenarioTask, NDArray]]:
    """Yields each task with the keys of its negatives, with the users of the clicks."""
    for task in tasks:
        items = getattr(task, f"{role}_negative")
        users = getattr(task, f"{role}_user")[:, np.newaxis]
        yield task, pair_keys(np.broadcast_to(users, items.shape), items)


def _keys(tasks: Sequence[ScenarioTask], role: str) -> NDArray:
    parts = [
        pair_keys(getattr(task, f"{role}_user"), getattr(task, f"{role}_item"))
        for task in tasks
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])


def _places(task: ScenarioTask, items: NDArray) -> NDArray:
    return np.searchsorted(task.pool, items)
