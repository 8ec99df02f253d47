"""What became of the rows of a prepared data set, in words."""

from collections.abc import Mapping

from transforms.schema import REJECTED_DIR, CommonInfo


def describe_counts(info: CommonInfo) -> list[str]:
    """Says what became of the rows of each table, and how ids find each other.

    The last two lines are what was refused and what was left out of all tables.
    """
    lines = [f"prepare: {name}: {one.describe()}" for name, one in info.tables.items()]
    lines += [f"prepare: {join.describe()}" for join in info.joins]
    refused, left_out = map(_reasons, (info.num_rejected, info.num_dropped))
    kept = f" (the rows are in {REJECTED_DIR}/)" if refused else ""
    lines.append(f"prepare: refused: {refused or 'nothing'}{kept}")
    lines.append(f"prepare: left out: {left_out or 'nothing'}")
    return lines


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in counts.items() if n)
