"""The audit of a prepared data set of clicks, all checks in turn."""

import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from models.episodes.click_records import (
    KnownClicks,
    ScenarioTask,
    load_known_clicks,
    read_tasks,
)
from models.factors.vector_files import load_vectors
from models.factors.vectors import Vectors
from pipeline.experiment.prepared import are_split_by_time
from pipeline.settings.finding import (
    Finding,
    compare_protocols,
    id_joins,
    tasks_overlap,
    time_in_tasks,
    time_of_pairs,
    to_finding,
)
from pipeline.settings.scenario.audit.controls import (
    controls,
    incomplete_factors,
    is_complete,
)
from pipeline.settings.scenario.audit.pairs import (
    clicked_negatives,
    clicked_support_negatives,
    keys_of,
    known_candidates,
    negatives_held_out,
    query_in_known_clicks,
    query_in_support,
    query_in_two_splits,
)
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import vectors_dir
from transforms import schema
from transforms.clicks.schema import (
    VECTORS_DIR,
    ScenarioDatasetInfo,
    load_scenario_info,
)
from transforms.plural import counted, plural
from transforms.schema import check_files

_OWN_SHARE = 0.5  # Of a pool; from so much on it is that user's library.
_ABOVE_CHANCE = 5.0  # Times the share that the user has of all items.
_LIBRARY = 20  # Clicks in a pool; half of a small one is soon clicked.
_TOLERATED = 0.01  # Of the held-out clicks.


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
    check_files(dataset_dir, info)
    known = load_known_clicks(dataset_dir, info)
    splits = {
        split: list(read_tasks(dataset_dir, split, info)) for split in schema.SPLITS
    }
    ids = {split: [t.scenario_id for t in tasks] for split, tasks in splits.items()}
    trained, validation = splits[schema.META_TRAIN], splits[schema.META_VALIDATION]
    queried = [*validation, *splits[schema.META_TEST]]
    pools = wrong_pools([*trained, *queried])
    findings = [
        tasks_overlap(ids),
        pools,
        too_small_tasks(trained, queried, info),
        repeated_clicks([*trained, *queried]),
        query_in_known_clicks(queried, known),
        query_in_support(trained, queried),
        query_in_two_splits(validation, splits[schema.META_TEST]),
        known_candidates(queried, known, _says_scenarios(info)),
        clicked_negatives(queried),
        clicked_support_negatives([*trained, *queried]),
        negatives_held_out([*trained, *queried], queried),
        *id_joins(info),
        time_of_pairs(info.options),
        incomplete_factors(dataset_dir / VECTORS_DIR, info),
    ]
    if info.has_user_tasks:  # What follows asks what is known of users.
        return [*findings, time_in_tasks(info)]
    findings.append(pools_of_one_user(queried, known))
    if pools.verdict == "ok":
        factors = _fitted_factors(config, dataset_dir, info)
        findings += controls(validation, known, factors)
    else:
        findings.append(Finding("controls", "note", "left out: the pools are wrong."))
    findings.append(scenario_protocol(info, config.training.query_size))
    if are_split_by_time(info.options):
        findings.append(time_in_tasks(info))
    return findings


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
    held_out = f"{split['held_out_fraction']:.0%} of pairs"
    if (test_from := split.get("test_from")) is not None:
        held_out = f"pairs from {test_from} on"
    how = ", but by the first click" if are_split_by_time(info.options) else ""
    compared = compare_protocols(
        [
            ("64 support clicks", 64, support),
            ("128 query clicks of a training episode", 128, query_size),
            ("pools of 100 to 1000 items", "100 to 1000", f"{low} to {high}"),
            (
                "a pair may be in meta-train and meta-test at once",
                "0%",
                f"{held_out} are held out",
            ),
            (
                "support clicks of users that have no query",
                "apart",
                "users may be in both",
            ),
        ]
    )
    return Finding(
        "protocol",
        "note",
        f"split by scenario as ScenarioMeta (s2Meta) and CMML do{how}. {compared}",
    )


def _says_scenarios(info: ScenarioDatasetInfo) -> bool:
    clicks = [domain["clicks"] for domain in info.options["domains"]]
    return any(spec["scenario_column"] is not None for spec in clicks)


def _fitted_factors(
    config: ScenarioConfig, dataset_dir: pathlib.Path, info: ScenarioDatasetInfo
) -> Vectors | None:
    directory = vectors_dir(config, dataset_dir, info)
    return load_vectors(directory) if is_complete(directory, info) else None


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
    return to_finding(
        "items twice in a pool or outside of it",
        num_bad,
        counted(num_items, "item"),
        "pools must be ascending and hold every item of their task; prepare again.",
    )


def too_small_tasks(
    trained: Iterable[ScenarioTask],
    queried: Iterable[ScenarioTask],
    info: ScenarioDatasetInfo,
) -> Finding:
    """Looks for tasks of another size than the options of the data set allow.

    Args:
        trained: Tasks of meta-train.
        queried: Tasks of meta-validation and meta-test.
        info: What `dataset.json` says.
    """
    options = info.options["episodes"]
    fewest = options["min_clicks"]
    pool_range = options["min_pool_size"], options["max_pool_size"]
    if info.has_user_tasks:
        pool_range = info.num_items, info.num_items

    def is_wrong(task: ScenarioTask, num_support: int, num_query: int) -> bool:
        return (
            not pool_range[0] <= task.pool.size <= pool_range[1]
            or task.support_item.size < num_support
            or task.query_item.size < num_query
        )

    num_support = min(fewest, options["support_size"])
    wrong = [is_wrong(task, fewest, 0) for task in trained]
    wrong += [is_wrong(task, num_support, 1) for task in queried]
    return to_finding(
        "tasks of another size than the options say",
        sum(wrong),
        counted(len(wrong), "task"),
        "their pool, support or query is not as the options say; prepare again.",
    )


def repeated_clicks(tasks: Iterable[ScenarioTask]) -> Finding:
    """Looks for pairs that a task holds twice in its support, or in its query."""
    num_bad = num_pairs = 0
    for task in tasks:
        for role in ("support", "query"):
            pairs = keys_of([task], role)
            num_bad += pairs.size - np.unique(pairs).size
            num_pairs += pairs.size
    return to_finding(
        "pairs that a task holds twice",
        num_bad,
        counted(num_pairs, "pair"),
        "one of them can end up on the other side; prepare again.",
    )


def pools_of_one_user(queried: Sequence[ScenarioTask], known: KnownClicks) -> Finding:
    """Looks for held-out clicks whose pool is mostly what their user has clicked.

    Pools are given to every method, and factors may hold them as side information. One
    that a single user has put together, as rare tags are, echoes what that user has
    clicked, held-out clicks included.

    Args:
        queried: Tasks of meta-validation and meta-test.
        known: All known clicks.
    """
    num_clicks = np.bincount(known.user, minlength=known.num_users + 1)
    num_echoes = num_queries = 0
    for task in queried:
        users, row = np.unique(task.query_user, return_inverse=True)
        of_known = np.searchsorted(users, task.known_user)
        clicked = np.bincount(row, minlength=users.size)
        in_pool = clicked + np.bincount(of_known, minlength=users.size)
        share = in_pool / task.pool.size
        of_all = (clicked + num_clicks[users]) / known.num_items
        echoes = (share >= _OWN_SHARE) & (share >= _ABOVE_CHANCE * of_all)
        echoes &= in_pool >= _LIBRARY
        num_echoes += int(clicked[echoes].sum())
        num_queries += task.query_user.size
    figures = (
        f"{num_echoes} of {counted(num_queries, 'held-out click')} "
        f"{plural(num_echoes, 'is', 'are')} of a user who has clicked "
        f"{_OWN_SHARE:.0%} of the pool or more, {_LIBRARY} items at least"
    )
    name = "pools of one user"
    if num_echoes > _TOLERATED * num_queries:
        return Finding(
            name,
            "LEAK",
            f"{figures}: such a pool tells what its user will click; leave scenarios "
            "out that one user made.",
        )
    return Finding(name, "ok", figures)
