"""Legal rows and tasks that are in no episode: in words, with the keys at work."""

from collections.abc import Mapping
from typing import NamedTuple

from transforms.plural import counted

_EPISODES = "data.episodes."
_SIZES = (f"{_EPISODES}query_size", f"{_EPISODES}min_support_size")
_LIMITS = (
    f"{_EPISODES}max_interactions_per_task",
    f"{_EPISODES}max_interactions_per_meta_train_task",
)
_MIN_CLICKS = (f"{_EPISODES}min_clicks",)
_HELD_OUT = ("data.split.held_out_fraction", "data.split.test_from")
_SPLIT_FILE = ("data.split.path",)
_LEARNT = ", in no episode but learnt from as others are"


class Reason(NamedTuple):
    """Why something is left out.

    Attributes:
        unit: What is counted, in the singular.
        what: What is special about it, behind the unit.
        keys: Keys of the configuration that decide it; none if there is no choice.
        is_learnt: Whether factors and baselines learn from it as from others of its
            split. Else nothing does.
    """

    unit: str
    what: str
    keys: tuple[str, ...] = ()
    is_learnt: bool = False

    @property
    def all_words(self) -> str:
        """What is special about it, and that it is learnt from if it is."""
        return f"{self.what}{_LEARNT if self.is_learnt else ''}"

    @property
    def words(self) -> str:
        """The reason behind a number."""
        return f"{self.unit}s {self.all_words}"


# By the codes of `num_dropped` in `dataset.json`.
REASONS: Mapping[str, Reason] = {
    "task_too_small": Reason("task", "with too few pairs", _SIZES, is_learnt=True),
    "pair_of_task_too_small": Reason("pair", "of tasks with too few", _SIZES),
    "task_not_in_split_file": Reason(
        "task", "that the split file does not name", _SPLIT_FILE
    ),
    "pair_of_task_not_in_split_file": Reason(
        "pair", "of tasks that the split file does not name", _SPLIT_FILE
    ),
    "pair_over_limit": Reason("pair", "over the most that a task may have", _LIMITS),
    "pair_of_new_item": Reason(
        "pair", "of items kept from meta-train", (f"{_EPISODES}new_item_fraction",)
    ),
    "repeated_pair": Reason(
        "row", "with the pair of another", ("data.interactions.keep",)
    ),
    "no_label": Reason("row", "with a code for no label", ("table.missing",)),
    "no_scenario": Reason("row", "with a code for no scenario", ("table.missing",)),
    "label_too_low": Reason(
        "row", "with a label too low for a click", ("clicks.label_at_least",)
    ),
    "repeated_click": Reason("row", "with the click of another"),
    "click_after_split": Reason(
        "row",
        "with a pair of an earlier split",
        ("data.split.validation_from", "data.split.test_from"),
    ),
    "pool_too_small": Reason(
        "scenario", "with too few items", (f"{_EPISODES}min_pool_size",)
    ),
    "pool_too_large": Reason(
        "scenario", "with too many items", (f"{_EPISODES}max_pool_size",)
    ),
    "too_few_clicks": Reason(
        "task", "with too few known clicks", _MIN_CLICKS, is_learnt=True
    ),
    "click_of_task_with_too_few_clicks": Reason(
        "click", "of tasks with too few", _MIN_CLICKS, is_learnt=True
    ),
    "no_held_out_click": Reason(
        "task", "without a held-out click", _HELD_OUT, is_learnt=True
    ),
    "click_of_task_with_no_held_out_click": Reason(
        "click", "of tasks without a held-out one", _HELD_OUT, is_learnt=True
    ),
    "click_over_limit": Reason(
        "click",
        "over the most that a task may have",
        (f"{_EPISODES}max_clicks_per_scenario",),
        is_learnt=True,
    ),
    "click_without_negative": Reason(
        "click", "of users who have clicked the whole pool", is_learnt=True
    ),
}


def describe_left_out(num_left_out: Mapping[str, int]) -> list[str]:
    """Says what was left out, why, and by which keys, one text a reason.

    Args:
        num_left_out: How much, by code; one of another setting is its own words.
    """
    return [_describe(code, number) for code, number in num_left_out.items() if number]


def _describe(code: str, number: int) -> str:
    if code not in REASONS:
        return f"{number} {code}"
    reason = REASONS[code]
    by = f" ({' and '.join(reason.keys)})" if reason.keys else ""
    return f"{counted(number, reason.unit)} {reason.all_words}{by}"
