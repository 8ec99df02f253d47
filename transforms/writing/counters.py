"""Counters of what is left out, as every runner shows them."""

from __future__ import annotations

from collections.abc import Mapping

from apache_beam.metrics import Metrics


def count_dropped(num_dropped: Mapping[str, int]) -> None:
    """Adds to the counter `dropped_<reason>` of each reason.

    Args:
        num_dropped: How much was left out, by reason.
    """
    for reason, count in num_dropped.items():
        if count:
            Metrics.counter("cmml", f"dropped_{reason}").inc(count)
