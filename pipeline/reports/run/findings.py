"""All that the report tells of a run, as figures; the words come later."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from models.evaluation.intervals import Interval
from pipeline.judging.evaluation import CMML
from pipeline.reports.run.bands import COUNT_BANDS, banded_groups, even_bands
from pipeline.reports.run.breakdown import GroupFigures, break_down, by_support
from pipeline.reports.run.calibration import Calibration, calibration
from pipeline.reports.run.evaluated_run import EvaluatedRun
from pipeline.reports.run.worst_tasks import WorstTasks, worst_tasks
from pipeline.settings.data_facts import DataFacts, PairGroup
from pipeline.training.course import Epoch

OTHER_WORD = {"none": "no support set", "other": "the support set of another task"}


@dataclasses.dataclass(frozen=True)
class Training:
    """What the training came to.

    Attributes:
        course: Its epochs.
        monitor: The metric that the best epoch is chosen by, without "val_".
        max_epochs: Most epochs that were allowed.
    """

    course: Sequence[Epoch]
    monitor: str
    max_epochs: int

    @property
    def keeps_start(self) -> bool:
        """Whether the start was kept, to which the networks add nothing yet."""
        return bool(self.course) and int(self.course[-1]["best_epoch"]) == 0


@dataclasses.dataclass(frozen=True, eq=False)
class Findings:
    """What was measured of a run.

    Attributes:
        evaluated: What `evaluate` left.
        data: The prepared data set.
        training: The training.
        support: By support pairs shown.
        popularity: By interactions of the item.
        activity: By interactions of the user; empty where all users have alike many.
        features: By what else is known of users, items and tasks.
        adaptation: CMML with its own support sets less CMML with "none" and with those
            of an "other" task, where they were scored.
        worst: The tasks, the worst first.
        calibration: Of predicted labels; None where only their order means anything.
    """

    evaluated: EvaluatedRun
    data: DataFacts
    training: Training
    support: Sequence[GroupFigures]
    popularity: Sequence[GroupFigures]
    activity: Sequence[GroupFigures]
    features: Sequence[GroupFigures]
    adaptation: Mapping[str, Interval]
    worst: WorstTasks
    calibration: Calibration | None

    @property
    def groups(self) -> list[GroupFigures]:
        """All groups, of each kind."""
        return [*self.support, *self.popularity, *self.activity, *self.features]


def find(
    evaluated: EvaluatedRun,
    data: DataFacts,
    training: Training,
    kinds: Sequence[PairGroup],
) -> Findings:
    """Looks at the scores of a run from all sides.

    Args:
        evaluated: The scores.
        data: The prepared data set.
        training: The training.
        kinds: Further groups to look at.
    """
    main = evaluated.main
    popularity = banded_groups(
        "interactions of the item", "item", data.item_counts, COUNT_BANDS
    )
    active = evaluated.active
    users = np.unique(evaluated.scores[CMML][active].user)
    activity = banded_groups(
        "interactions of the user",
        "user",
        data.user_counts,
        even_bands(data.user_counts[users]),
    )
    rows = evaluated.scores[CMML][main]
    return Findings(
        evaluated=evaluated,
        data=data,
        training=training,
        support=by_support(evaluated),
        popularity=break_down(evaluated, popularity, main),
        activity=break_down(evaluated, activity if len(activity) > 1 else [], active),
        features=break_down(evaluated, kinds, main),
        adaptation=_adaptation(evaluated),
        worst=worst_tasks(evaluated, data.item_counts),
        calibration=(
            calibration(rows, evaluated.seed, evaluated.num_resamples)
            if rows.label is not None
            else None
        ),
    )


def _adaptation(evaluated: EvaluatedRun) -> dict[str, Interval]:
    shown = evaluated.support_sets()
    return {
        kind: evaluated.difference(shown["own"], shown[kind])
        for kind in ("none", "other")
        if kind in shown and "own" in shown
    }
