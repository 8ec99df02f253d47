"""What became of the rows of a prepared data set, in words."""

from models.evaluation.metric import MIN_TASKS
from pipeline.experiment.prepared import way_to_more_tasks
from transforms.left_out import describe_left_out
from transforms.plural import counted
from transforms.schema import META_TEST, META_VALIDATION, REJECTED_DIR, CommonInfo


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
    if info.options["split"]["path"] or info.options["split"].get("test_from"):
        chance = ""
    return [
        f"prepare: few tasks: {' and '.join(few)}, and fewer than {MIN_TASKS} do not "
        f"tell methods apart: {chance}{way_to_more_tasks(info.options)}"
    ]
