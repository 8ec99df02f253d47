"""What a served model is told beside its weights."""

import dataclasses
from typing import Literal, TypeAlias

from transforms.schema import DataError

MOST_SCORED = 100_000  # Items of a catalogue that the whole model scores by default.
_SHORTLIST = 1000

# A float32 holds whole numbers below 2 ** 24; a version takes two of them.
MARK_BASE = 2**20

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
        max_scored: Most pairs that the whole model scores to answer `recommend`.
        shortlist_size: Items of the highest prior that `recommend` scores with the
            whole model; 0 for all of them, None for all of at most 100,000.
        search_size: Items that an index finds, of more than 100,000, whose prior is
            looked at.
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
    max_scored: int = 4_000_000
    shortlist_size: int | None = None
    search_size: int = 16_384
    order_by: OrderName = "score"
    normalize_ids: bool = False
    domains: tuple[str, ...] = ()

    def check(self, *, has_prior: bool, has_distribution: bool) -> None:
        """Refuses what a model cannot do.

        Raises:
            DataError: If there is to be a shortlist without a prior, or an order by a
                distribution without one.
        """
        if self.shortlist_size and not has_prior:
            raise DataError(
                "export.shortlist_size needs a prior made beforehand to choose by, "
                f"got {self.shortlist_size} with model.prior 'constant' or 'learned': "
                "set it to 0."
            )
        if self.order_by != "score" and not has_distribution:
            raise DataError(
                f"export.order_by = {self.order_by!r} needs a distribution to order "
                "by, got a model of values: set model.head = 'distribution'."
            )

    def shortlist_of(self, num_items: int) -> int:
        """Returns how many of so many items the whole model scores; 0 for all."""
        if self.shortlist_size is not None:
            return self.shortlist_size
        return max(_SHORTLIST, 2 * self.top_k) if num_items > MOST_SCORED else 0


def version_mark(model_version: int) -> list[float]:
    """Returns the first two values of every context of a version.

    Args:
        model_version: At least 0, below `MARK_BASE` squared.
    """
    return [float(part) for part in divmod(model_version, MARK_BASE)]
