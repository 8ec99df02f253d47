"""Support sets of many tasks, and what is known of each task to read contexts by."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from numpy.typing import NDArray

# What tasks are distinguished by: a text, or a number that orders them.
Labels: TypeAlias = Sequence[str | float]

# The label of a task that has none of a kind.
NO_LABEL = ""

# The name of a scenario, or of a user with clicks, several support sets of whom are
# drawn. All contexts of that task have it, and those of no other one.
SCENARIO, USER = "scenario", "user"
OF_TASKS = (SCENARIO, USER)

# What users like; the label is called so whatever feature of items it is made from.
TASTE = "taste"


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledSupports:
    """A batch of support sets.

    Attributes:
        task_ids: As they came in; several support sets of a task are there with its id
            each.
        support: The `support_*` arrays, [B, S], padding last.
        labels: By kind, B labels, texts or numbers.
    """

    task_ids: Sequence[str]
    support: Mapping[str, NDArray]
    labels: Mapping[str, Labels]
