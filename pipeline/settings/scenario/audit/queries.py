"""Query pairs that training, a support set or another split has seen."""

from collections.abc import Sequence

import numpy as np

from models.episodes.click_records import KnownClicks, ScenarioTask
from pipeline.settings.finding import Finding, to_finding
from pipeline.settings.scenario.audit.pairs import keys_of, pair_keys
from transforms.plural import counted


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
