"""What is measured of new users or of a new scenario, and how."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from pipeline.onboarding.few_shot import FewShotCurve
from pipeline.onboarding.new_interactions import NewInteractions
from pipeline.onboarding.own_table import OwnTable
from pipeline.onboarding.placement import Placement
from pipeline.onboarding.questions import QuestionPlan


@dataclasses.dataclass(frozen=True, eq=False)
class Findings:
    """What rules, texts and figures are made of.

    Attributes:
        setting: "user" or "scenario".
        model: The version, as it is to be named.
        source: The file, as it is to be named.
        rows: What it holds.
        num_unknown_items: Items of it that the model does not know.
        num_unknown_users: Users likewise; None where every user is new.
        num_seen: Users that the model was trained on, or clicks that it has seen; they
            are in no query set.
        num_new_rows: Rows that are not of those.
        curve: The few-shot curve; None if there are too few pairs for one.
        placement: Where the tasks lie; None if that cannot be said.
        no_place: Why not; empty if known tasks are missing.
        plan: What to ask; None likewise, and with scenarios.
        has_known: Whether there are known tasks to compare with.
        item_names: Names by item id.
        title: What is judged, in two words.
        seen_words: What `num_seen` counts.
        asks_questions: Whether a new task can answer questions.
    """

    setting: str
    model: str
    source: str
    rows: NewInteractions
    num_new_rows: int
    num_unknown_items: int = 0
    num_unknown_users: int | None = None
    num_seen: int = 0
    curve: FewShotCurve | None = None
    placement: Placement | None = None
    no_place: str = ""
    plan: QuestionPlan | None = None
    has_known: bool = False
    item_names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    title: str = "new users"
    seen_words: str = "users it was trained on"
    asks_questions: bool = True

    @property
    def num_items(self) -> int:
        """Items of the file."""
        return len({row.item_id for row in self.rows.interactions})

    @property
    def num_users(self) -> int:
        """Users of the file."""
        return len({row.user_id for row in self.rows.interactions})

    @property
    def unknown_item_fraction(self) -> float:
        """Share of the items of the file that the model does not know."""
        return self.num_unknown_items / self.num_items

    def name(self, item_id: str) -> str:
        """Returns what people call an item."""
        return self.item_names.get(item_id, item_id)

    def missing(self) -> Sequence[str]:
        """Says in sentences what could not be measured, and why."""
        sentences = []
        if self.curve is None:
            sentences.append("No few-shot curve: no task has enough new pairs.")
        if not self.has_known:
            sentences.append(
                "Known tasks are missing (--config): nothing can be said of where "
                "the new ones lie, of popularity, of what to ask, and of whether the "
                "model was trained on these rows."
            )
        elif self.placement is None:
            sentences.append(f"No place: {self.no_place}.")
        if self.has_known and self.asks_questions and self.plan is None:
            sentences.append(
                "No questions: too few known users, or too few items that enough of "
                "them know."
            )
        return sentences


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
