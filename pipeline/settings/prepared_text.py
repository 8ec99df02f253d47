"""What became of the rows of a prepared data set, in words."""

from models.evaluation.metric import MIN_TASKS
from pipeline.experiment.prepared import way_to_more_tasks
from transforms.left_out import describe_left_out
from transforms.plural import counted
from transforms.raw_text import FIRST_DATE
from transforms.row_counts import describe_times
from transforms.schema import META_TEST, META_VALIDATION, REJECTED_DIR, CommonInfo

# A thousand lies between units; between 1973 and 2200 it is 73.
_LARGEST_RATIO = 100.0


def describe_counts(info: CommonInfo) -> list[str]:
    """Says what became of the rows of each table, and how ids find each other.

    The last lines are what was refused, and each reason why something was left out, of
    all tables.
    """
    lines = [f"prepare: {name}: {one.describe()}" for name, one in info.tables.items()]
    lines += [f"prepare: {join.describe()}" for join in info.joins]
    refused = ", ".join(f"{n} {code}" for code, n in info.num_rejected.items() if n)
    kept = f" (the rows are in {REJECTED_DIR}/)" if refused else ""
    lines.append(f"prepare: refused: {refused or 'nothing'}{kept}")
    left_out = describe_left_out(info.num_dropped) or ["nothing"]
    return [*lines, *(f"prepare: left out: {one}" for one in left_out)]


def describe_few_tasks(info: CommonInfo) -> list[str]:
    """Says which splits that methods are chosen or judged on have too few tasks."""
    few = [
        f"{split} has {counted(number, 'task')}"
        for split in (META_VALIDATION, META_TEST)
        if (number := info.num_tasks[split]) < MIN_TASKS
    ]
    if not few:
        return []
    chance = "a hash splits tasks, so that few are split by chance; "
    split = info.options["split"]
    if split["path"] or split.get("test_from") is not None:
        chance = ""
    cure = way_to_more_tasks(info.options, describe_times(info.tables))
    return [
        f"prepare: few tasks: {' and '.join(few)}, and fewer than {MIN_TASKS} do not "
        f"tell methods apart: {chance}{cure}"
    ]


def describe_odd_times(info: CommonInfo) -> list[str]:
    """Says which tables seem to have times in two units, such as s and ms."""
    return [
        f"prepare: times of {name} seem to be in two units, {counts.describe_times()}: "
        "write all in one (dates are seconds since 1970), for data.split.test_from, "
        "validation_from and the order of rows go by them"
        for name, counts in info.tables.items()
        if counts.times and _are_far_apart(*counts.times)
    ]


def _are_far_apart(first: float, last: float) -> bool:
    """Whether the first may be seconds since 1970, and the last of another unit."""
    return first >= FIRST_DATE and last > _LARGEST_RATIO * first
