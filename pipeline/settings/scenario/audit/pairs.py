"""Pairs of a prepared data set of clicks that are where they must not be."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks, ScenarioTask
from pipeline.settings.finding import Finding, to_finding
from transforms.plural import counted


def pair_keys(user: NDArray[np.integer], item: NDArray[np.integer]) -> NDArray:
    """Returns one int64 for each pair of rows, different for different pairs."""
    return (user.astype(np.int64) << 32) | item.astype(np.int64)


def keys_of(tasks: Sequence[ScenarioTask], role: str) -> NDArray:
    """Returns the keys of all "support", "query" or "known" pairs of tasks."""
    parts = [
        pair_keys(getattr(task, f"{role}_user"), getattr(task, f"{role}_item"))
        for task in tasks
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])


def negatives_of(
    tasks: Iterable[ScenarioTask], role: str
) -> Iterator[tuple[ScenarioTask, NDArray]]:
    """Yields each task with the keys of its negatives, with the users of the clicks."""
    for task in tasks:
        items = getattr(task, f"{role}_negative")
        users = getattr(task, f"{role}_user")[:, np.newaxis]
        yield task, pair_keys(np.broadcast_to(users, items.shape), items)


def places_of(task: ScenarioTask, items: NDArray) -> NDArray:
    """Returns where items are in the pool of their task."""
    return np.searchsorted(task.pool, items)


def query_in_known_clicks(
    queried: Sequence[ScenarioTask], known: KnownClicks
) -> Finding:
    """Looks for queries among the clicks that factors are fitted to."""
    queries = keys_of(queried, "query")
    num_bad = int(np.isin(queries, pair_keys(known.user, known.item)).sum())
    return to_finding(
        "query pairs among the known clicks",
        num_bad,
        f"{counted(queries.size, 'held-out click')} of meta-validation and meta-test",
        "factors have seen the answer; prepare again.",
    )


def query_in_support(
    trained: Sequence[ScenarioTask], queried: Sequence[ScenarioTask]
) -> Finding:
    """Looks for queries in any support set, and anywhere in meta-train.

    Args:
        trained: Tasks of meta-train, whose support is what training draws from.
        queried: Tasks of meta-validation and meta-test.
    """
    queries = keys_of(queried, "query")
    seen = (
        keys_of(trained, "support"),
        keys_of(trained, "query"),
        keys_of(queried, "support"),
    )
    num_bad = int(np.isin(queries, np.concatenate(seen)).sum())
    return to_finding(
        "query pairs in a support set or in meta-train",
        num_bad,
        counted(queries.size, "held-out click"),
        "one pair is in several scenarios, and this one is trained on in another; "
        "prepare again.",
    )


def query_in_two_splits(
    validation: Sequence[ScenarioTask], test: Sequence[ScenarioTask]
) -> Finding:
    """Looks for query pairs of both meta-validation and meta-test."""
    first, second = keys_of(validation, "query"), np.unique(keys_of(test, "query"))
    return to_finding(
        "query pairs of both meta-validation and meta-test",
        int(np.isin(second, first).sum()),
        f"{counted(second.size, 'pair')} of meta-test",
        "what choices were made by is reported again; prepare again.",
    )


def known_candidates(
    queried: Sequence[ScenarioTask], known: KnownClicks, says_scenarios: bool
) -> Finding:
    """Looks for items that a user is known to have clicked, and are candidates.

    Args:
        queried: Tasks of meta-validation and meta-test.
        known: All known clicks.
        says_scenarios: Whether the log says which scenario a click happened in. Then a
            record does not name items clicked in another one, and no leak follows.
    """
    num_bad = num_pairs = 0
    order = np.argsort(known.user, kind="stable")
    users, items = known.user[order], known.item[order]
    for task in queried:
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
            f"{num_bad} of {counted(num_pairs, 'known pair')} inside pools: clicked in "
            "another scenario, as the log says, and no candidates when ranked.",
        )
    return to_finding(
        name,
        num_bad,
        f"{counted(num_pairs, 'known pair')} inside pools",
        "they take the places of query items; prepare again.",
    )


def clicked_negatives(queried: Sequence[ScenarioTask]) -> Finding:
    """Looks for negatives of query clicks that the same user has clicked."""
    num_bad = num_negatives = 0
    for task, negatives in negatives_of(queried, "query"):
        clicked = np.concatenate([keys_of([task], "query"), keys_of([task], "known")])
        num_bad += int(np.isin(negatives, clicked).sum())
        num_negatives += negatives.size
    return to_finding(
        "query negatives that were clicked",
        num_bad,
        counted(num_negatives, "negative"),
        "clicks are counted as mistakes; prepare again.",
    )


def clicked_support_negatives(tasks: Iterable[ScenarioTask]) -> Finding:
    """Looks for negatives of support clicks that are support clicks of the same user.

    The support of meta-train holds all known clicks of the scenario, so that there
    every negative is held against all that is known.
    """
    num_bad = num_negatives = 0
    for task, negatives in negatives_of(tasks, "support"):
        num_bad += int(np.isin(negatives, keys_of([task], "support")).sum())
        num_negatives += negatives.size
    return to_finding(
        "support negatives that are known clicks",
        num_bad,
        counted(num_negatives, "negative"),
        "one pair comes with both labels; prepare again.",
    )


def negatives_held_out(
    tasks: Iterable[ScenarioTask], queried: Sequence[ScenarioTask]
) -> Finding:
    """Counts support negatives that are held-out clicks, which nobody could know."""
    queries = np.unique(keys_of(queried, "query"))
    num_held_out = num_negatives = 0
    for _, negatives in negatives_of(tasks, "support"):
        num_held_out += int(np.isin(negatives, queries).sum())
        num_negatives += negatives.size
    return Finding(
        "support negatives that are held-out clicks",
        "note",
        f"{num_held_out} of {num_negatives}: as in deployment, where what will be "
        "clicked is not known. Avoiding them would reveal the answer.",
    )
