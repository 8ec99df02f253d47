"""The step `explain`: what a recommendation owes to each support pair, as a page."""

import pathlib
import re
from collections.abc import Callable, Sequence

from models.whole_files import write_atomically
from pipeline.insight.explanation import Explainer
from pipeline.insight.modulation_values import Values, mean_values
from pipeline.insight.task_requests import Request
from pipeline.reports.insight.explanation import as_text, explanation_page

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


def explain(
    version: pathlib.Path,
    request_of: Callable[[str], Request],
    *,
    tasks: Sequence[str],
    against: Sequence[str],
    top: int,
    folder: pathlib.Path,
    command: str,
) -> None:
    """Explains what is recommended to a task, and what its context changes.

    All tasks are explained with the items of the first one, so that what differs
    between them is their contexts alone.

    Args:
        version: The exported version.
        request_of: Finds the request of a task by its id.
        tasks: Ids; scores are explained of the first, modulation is the mean of all.
        against: Ids of those that they are compared with; may be empty.
        top: Items explained, at most.
        folder: Where the page goes; made if it is not there.
        command: What was typed.

    Raises:
        DataError: If a task is not there, or cannot be answered.
    """
    requests = {task_id: request_of(task_id) for task_id in (*tasks, *against)}
    explainer = Explainer(version)
    first = requests[tasks[0]]
    items = explainer.choose(first, top)

    def modulation(group: Sequence[str]) -> Values:
        explanations = [
            explainer.explain(requests[task_id], items, first.get("user_id"))
            for task_id in group
        ]
        return mean_values([one.modulation for one in explanations])

    explanation = explainer.explain(first, items)
    groups = {", ".join(tasks): modulation(tasks)}
    if against:
        groups[", ".join(against)] = modulation(against)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_NOT_IN_NAMES.sub('-', tasks[0])}.html"
    write_atomically(path, explanation_page(explanation, groups, command))
    print(as_text(explanation))
    print(path)
