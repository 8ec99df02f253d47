"""What was refused and what was left out of a prepared data set, in words."""

from collections.abc import Mapping


def describe_counts(
    num_rejected: Mapping[str, int], num_dropped: Mapping[str, int]
) -> list[str]:
    """Says in two lines what was refused and what was left out, and why."""
    lines = []
    for what, counts in (("refused", num_rejected), ("left out", num_dropped)):
        reasons = ", ".join(f"{n} {reason}" for reason, n in counts.items() if n)
        lines.append(f"prepare: {what}: {reasons or 'nothing'}")
    return lines
