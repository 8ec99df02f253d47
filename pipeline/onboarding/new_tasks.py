"""New tasks of one kind: how their file is read, and how they are measured."""

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from pipeline.onboarding.findings import Findings
from pipeline.onboarding.own_table import OwnTable

# Measures the tasks of a file: takes what is known so far, the version that answers,
# and the prepared data set, None if only what the export holds is to be used.
Measure: TypeAlias = Callable[[Findings, pathlib.Path, pathlib.Path | None], Findings]


class NewTasks(NamedTuple):
    """What `onboard` does with a file of new users, or with one of a new scenario.

    Attributes:
        setting: Of which setting the model must be.
        flag: The flag that names the file.
        only_whole: Whether labels must be whole numbers.
        own_table: Finds the table of a configuration that their file may be like.
        measure: Measures the tasks.
    """

    setting: str
    flag: str
    only_whole: bool
    own_table: Callable[[Any], OwnTable | None]
    measure: Measure
