"""What differs between the settings, and what every step takes from one."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from models.evaluation.metric import Metric
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from pipeline.settings.step_parts import StepParts

if TYPE_CHECKING:
    from models.baselines.learned.learned_baseline import LearnedBaseline, PairInputs
    from models.cmml import CMML
    from models.evaluation.intervals import Floats
    from models.legacy_keras import tf
    from models.objectives.objective import Objective
    from models.recommender import Episode, Recommender
    from models.serving.served_model import ServedModel
    from models.serving.task_request import RecordedRequest, TaskRequest

# What a setting has loaded of a prepared data set; each setting has a class of its own.
Data = Any


class Scorer(Protocol):
    """Asks one method, whose calls it compiles once; its weights may change."""

    def __call__(self, shown: Shown) -> ScoredPairs:
        """Scores the query pairs of a group of tasks.

        Raises:
            DataError: If the group cannot be, such as one task with the support of
                another.
            NotFiniteError: If scores cannot be ranked.
        """
        ...

    def score_groups(self, groups: Sequence[Shown]) -> dict[str, ScoredPairs]:
        """Scores several groups, by name, while the weights stay as they are."""
        ...


@dataclasses.dataclass(frozen=True)
class LearnedMethods:
    """Methods that are trained by episodes, as CMML is.

    Attributes:
        classes: By name.
        inputs: Makes what learned methods see of a pair, for a configuration, a data
            set and a seed.
        input_options: What of a configuration decides these inputs.
        objective: Makes what learned methods learn.
        empty_episode: Makes an episode that lets a model create its weights.
    """

    classes: Mapping[str, type[LearnedBaseline]]
    inputs: Callable[[Any, Data, int], PairInputs]
    input_options: Callable[[Any], Sequence[object]]
    objective: Callable[[Any, Data], Objective]
    empty_episode: Callable[[Any], Episode]


@dataclasses.dataclass(frozen=True)
class Methods:
    """The methods that stand beside CMML.

    Attributes:
        simple: Fitted in one call, by name; a class has a `GRID` of hyperparameters.
        reference: The simple method that differences are taken to.
        fit: Fits a simple method, by name and hyperparameters.
        beside_ablation: Simple methods that are rows beside the variants of an
            ablation; the reference comes first.
        cmml: Further forms of CMML: what each changes of the configuration, by name;
            "cmml_plain" sees no more than the methods of `learning`.
        learning: Methods trained by episodes; None if there are none.
        completed: Gives a trained or fitted method all that it is judged by, such as a
            distribution of labels on top of its scores.
        sizes: Support sizes that hyperparameters are chosen for one by one, the full
            one last; none if they are chosen for the full one alone.
    """

    simple: Mapping[str, type[Any]]
    reference: str
    fit: Callable[[str, Data, Mapping[str, Any]], Recommender]
    beside_ablation: Sequence[str]
    cmml: Mapping[str, Mapping[str, Any]]
    learning: LearnedMethods | None = None
    completed: Callable[[Recommender, Any, Data], Recommender] = (
        lambda method, config, data: method
    )
    sizes: Callable[[Any], Sequence[int]] = lambda config: ()

    @property
    def learned(self) -> Mapping[str, type[LearnedBaseline]]:
        """The methods trained by episodes, by name."""
        return {} if self.learning is None else self.learning.classes


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """What a training goes through.

    Attributes:
        episodes: Endless batches of meta-train, from a step on.
        steps_per_epoch: Batches of an epoch.
        num_tasks: Tasks of an epoch, for its speed.
        validation: What of meta-validation epochs are judged on.
        chosen_by: The metric that the best epoch has the best mean of.
        probe: Makes a batch of meta-validation with the labels of the query, for a
            look at gradients and hidden units.
        timed: Makes a batch of meta-train, the same every time, to measure costs with.
        few_sizes: Fewer support pairs that they are judged with too; metrics are then
            means over these and all.
        start_errors: Standard errors of the difference, task by task, by which an epoch
            must be better than a start that is useful, to take its place.
    """

    episodes: Callable[[int], tf.data.Dataset]
    steps_per_epoch: int
    num_tasks: int
    validation: Shown
    chosen_by: Metric
    probe: Callable[[], Episode]
    timed: Callable[[], Episode]
    few_sizes: tuple[int, ...] = ()
    start_errors: float = 0.0


@dataclasses.dataclass(frozen=True)
class ServedWords:
    """What a served model does, in words for its card.

    Attributes:
        task: What it is for.
        fallback: What serves a task without support.
    """

    task: str
    fallback: str


@dataclasses.dataclass(frozen=True)
class Serving:
    """How a trained model becomes a served one, and the requests that check it.

    Attributes:
        export: Makes the served model of a trained one; the version is its number.
        recorded: Yields `rank` requests of raw ids and features with the answers of the
            trained model, one task each.
        task_request: Makes all requests about the task of a recorded one.
        to_request: From the support and the query of a batch to the inputs of `rank`.
        facts: What the manifest says: "label_min", "label_max", "num_items" and
            "user_features", the names of raw features; "feature_separators", by name,
            where the features of tasks may have several values.
        words: What the card says of the model.
        tolerance: Largest difference of a score that is none, in the unit of scores,
            by the recorded requests.
        num_recorded: Requests that are written with a version.
        example: Makes those that people read; as `task_request` if None.
    """

    export: Callable[[CMML, int], ServedModel]
    recorded: Callable[[CMML], Iterator[RecordedRequest]]
    task_request: Callable[[RecordedRequest], TaskRequest]
    to_request: Callable[[Episode, Episode], dict[str, tf.Tensor]]
    facts: Mapping[str, Any]
    words: ServedWords
    tolerance: Callable[[Sequence[RecordedRequest]], float]
    num_recorded: int
    example: Callable[[RecordedRequest], TaskRequest] | None = None


class Build(Protocol):
    """Builds a CMML with fresh weights."""

    def __call__(self, config: Any, data: Data, *, fit: bool) -> CMML:
        """Builds it.

        Args:
            config: The experiment.
            data: The data set.
            fit: Whether what has a closed form is fitted; otherwise weights are to be
                restored.
        """
        ...


class ByTask(Protocol):
    """Computes the metrics of each task."""

    def __call__(
        self, pairs: ScoredPairs, *, names: Sequence[str] | None = None
    ) -> dict[str, Floats]:
        """Computes them.

        Args:
            pairs: What a method answered.
            names: Metrics to compute; all if None.

        Returns:
            float64 [T] by metric; NaN where a metric is not defined.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Setting:
    """All that differs between users with ratings and scenarios with clicks.

    A setting has no state and is never called back. Its functions take a configuration
    of its own class of `Experiment`, and data that `load` has returned. What needs no
    TensorFlow, such as the `Source`, that class has.

    Attributes:
        metrics: What methods are judged by; the first decides.
        load: Reads a prepared data set, its small parts into memory, by the
            configuration and its folder. It returns an object with `directory` and
            with `info`, what `dataset.json` says, and raises DataError if the data set,
            or what was fitted to it, is missing or incomplete.
        build: Builds a CMML with fresh weights.
        training: What a training goes through.
        groups: The groups of tasks that a method can be judged on, of the split of the
            tasks that training has not seen. The first is the main group, with all that
            there is to show. Groups with less to show have the same query pairs, or
            those of some users.
        scorer: Makes of a method what asks it.
        by_task: The metrics of each task.
        methods: The methods that stand beside CMML in an experiment.
        serving: How a trained model becomes a served one.
        parts: What one step alone needs.
    """

    metrics: Sequence[Metric]
    load: Callable[[Any, pathlib.Path], Data]
    build: Build
    training: Callable[[Any, Data], TrainingPlan]
    groups: Callable[[Any, Data, str], Sequence[Shown]]
    scorer: Callable[[Recommender, Any, Data], Scorer]
    by_task: ByTask
    methods: Callable[[Any], Methods]
    serving: Callable[[Any, Data], Serving]
    parts: StepParts = StepParts()
