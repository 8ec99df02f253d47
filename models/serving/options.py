"""What a served model is told beside its weights."""

import dataclasses
from typing import Literal, TypeAlias

OrderName: TypeAlias = Literal["score", "gain", "optimistic", "cautious"]


@dataclasses.dataclass(frozen=True)
class ServingOptions:
    """Sizes and limits of the signatures.

    Attributes:
        model_version: Version that contexts are marked with, at least 0.
        top_k: Items that `recommend` returns.
        min_item_count: Items with fewer interactions to learn from, or known clicks,
            are not recommended.
        max_tasks: Most tasks of a request.
        max_support: Most support pairs of a task.
        max_query: Most query, candidate or excluded items of a task.
        history_size: Pairs that a context holds where `update` has to see them again.
        shortlist_size: Items of the highest prior that `recommend` scores with the
            whole model; 0 for all of them.
        order_by: What `recommend` orders by: the "score", the expected "gain", or the
            mean plus ("optimistic") or less ("cautious") one standard deviation; the
            last three need a model that predicts distributions.
        normalize_ids: Whether ids of requests that differ in form only are one, as
            those of the tables were.
        domains: Names that stand before ids, if there are several domains.
    """

    model_version: int = 0
    top_k: int = 100
    min_item_count: int = 10
    max_tasks: int = 1024
    max_support: int = 1000
    max_query: int = 10_000
    history_size: int = 64
    shortlist_size: int = 0
    order_by: OrderName = "score"
    normalize_ids: bool = False
    domains: tuple[str, ...] = ()
