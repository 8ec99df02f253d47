"""What became of the rows of a prepared data set, in words."""

from transforms.schema import CommonInfo


def describe_counts(info: CommonInfo) -> list[str]:
    """Says what became of the rows of each table, and how ids find each other.

    The last two lines are what was refused and what was left out of all tables.
    """
    lines = [f"prepare: {name}: {one.describe()}" for name, one in info.tables.items()]
    lines += [f"prepare: {join.describe()}" for join in info.joins]
    for what, counts in (
        ("refused", info.num_rejected),
        ("left out", info.num_dropped),
    ):
        reasons = ", ".join(f"{n} {reason}" for reason, n in counts.items() if n)
        lines.append(f"prepare: {what}: {reasons or 'nothing'}")
    return lines
