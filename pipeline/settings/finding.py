"""A finding of an audit: one check, what it looked at, and whether it is a leak."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from transforms.plural import counted
from transforms.schema import CommonInfo


class Finding(NamedTuple):
    """One check: what it looked at and the result.

    Attributes:
        name: What was checked.
        verdict: "ok", "LEAK", or "note" for what people must judge.
        detail: The figures, and what to do about a leak.
    """

    name: str
    verdict: Literal["ok", "LEAK", "note"]
    detail: str


def to_finding(name: str, num_bad: int, looked_at: str, cure: str) -> Finding:
    """Returns a finding that is a leak if anything is bad.

    Args:
        name: What was checked.
        num_bad: Number of what should not be.
        looked_at: What was looked at, in words.
        cure: What is bad about it, and what to do.
    """
    if num_bad:
        return Finding(name, "LEAK", f"{num_bad} of {looked_at}: {cure}")
    return Finding(name, "ok", f"none of {looked_at}")


def tasks_overlap(task_ids: Mapping[str, Sequence[object]]) -> Finding:
    """Looks for tasks that are in two splits, or twice in one.

    Args:
        task_ids: Of the tasks, by split; of those without a task, if they are kept.
    """
    counts = Counter(name for names in task_ids.values() for name in names)
    num_bad = sum(count - 1 for count in counts.values())
    return to_finding(
        "tasks in two splits",
        num_bad,
        counted(counts.total(), "task"),
        "what is learnt of them in meta-train is queried again; prepare again.",
    )


def id_joins(info: CommonInfo) -> list[Finding]:
    """Says how the ids of each table are found in another one.

    Args:
        info: What `dataset.json` says.
    """
    return [Finding("ids of tables", "note", join.describe()) for join in info.joins]


def time_of_pairs(options: Mapping[str, Any]) -> Finding:
    """Says whether anything that is learnt may be later than what is asked for.

    Args:
        options: What `dataset.json` says of `data`.
    """
    if (test_from := options["split"].get("test_from")) is not None:
        detail = f"what is judged has learnt nothing of {test_from} or later"
        return Finding("time", "ok", f"{detail}, as meta-test is")
    what = "users" if options["episodes"].get("order") == "time" else "pairs"
    return Finding(
        "time",
        "note",
        f"{what} are split at random, so that what was done later, by others too, may "
        "inform a prediction. Compare with methods that were evaluated in the same way "
        "only.",
    )


def time_in_tasks(info: CommonInfo) -> Finding:
    """Says whether the support of a task is what was done before its query."""
    if info.options["episodes"].get("order") == "time":
        return Finding("time in tasks", "ok", "no query is earlier than the support")
    return Finding("time in tasks", "note", "support and query are drawn at random")


def compare_protocols(rows: Iterable[tuple[str, object, object]]) -> str:
    """Says what is as it was published, and what is not; of neither if there is none.

    Args:
        rows: What is compared, with the published value and that of the data set.
    """
    alike: list[str] = []
    different: list[str] = []
    for what, published, here in rows:
        if published == here:
            alike.append(what)
        else:
            different.append(f"{what}, here {here}")
    both = {"Alike": alike, "Different": different}
    return " ".join(
        f"{name}: {'; '.join(those)}." for name, those in both.items() if those
    )
