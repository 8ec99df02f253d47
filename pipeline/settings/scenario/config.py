"""The configuration of an experiment in the scenario-specific setting."""

import typing
from typing import Annotated, Any, Literal, Self, TypeAlias

import pydantic

from models.options import VECTORS_VERSION, ScenarioOptions
from pipeline.experiment.config_errors import check_names
from pipeline.experiment.config_section import Experiment, Section
from pipeline.settings.more_metrics import more_metrics_of
from pipeline.settings.scenario.data_config import ScenarioDataConfig
from pipeline.settings.scenario.metrics import EPOCH_METRIC, METRICS
from transforms.clicks.schema import POOL_KEY, QUERY_ITEM_KEY, USER_TASKS

# As `models.baselines.clicks.registry` has them, which cannot be imported without
# TensorFlow.
BaselineName: TypeAlias = Literal[
    "item_pop",
    "popularity",
    "dot_product",
    "matrix_factorisation",
    "item_knn",
    "ease",
    "ease_click",
    "click_knn",
    "click_mean",
]

# Where users are tasks, as `OF_NEW_USERS` of that registry.
_OF_NEW_USERS: tuple[BaselineName, ...] = (
    *("popularity", "ease_click", "click_knn", "click_mean"),
)

# As `models.baselines.learned.registry` has them, then CMML with some keys
# changed, and CMML.
_OTHER_METHODS = (
    *("dcn", "lwa", "nlba", "tanp", "melu", "dcn_f", "s2meta", "conet"),
    *("cmml_plain", "cmml"),
)


# Clicks of a user by which epochs are judged beside all: a model that has gained with
# many may have lost what it knew of few.
_FEW_CLICKS = 4

NotNegative = Annotated[pydantic.NonNegativeFloat, pydantic.AllowInfNan(False)]
Positive = Annotated[pydantic.PositiveFloat, pydantic.AllowInfNan(False)]
MoreMetrics = Annotated[tuple[str, ...], more_metrics_of(METRICS)]


class VectorsConfig(Section):
    """How users and items get their factors from collaborative filtering.

    Of several values, those are taken with which the dot product of the factors has
    the best Recall@20 on meta-validation: first of the factorisation, then of
    `pool_weight`; then of the linear model of items, `item_l2` and `open_weight` by the
    prior of CMML without a pool, with `prior_closeness` and `prior_repeat` as they are
    by default and for 20 users of a scenario, `item_weight` with a pool, and last
    `count_weight` by the prior with a pool. Where users are tasks, factors are judged
    by the mean of those of the clicks, then `item_l2` and `item_power`, `item_clicks`,
    and `mean_weight` by the prior as it is by default. Where the best value is the
    first or the last of several, more are tried beyond it, at most four.

    Attributes:
        method: "als" (weighted matrix factorisation) or "bpr", of `implicit`.
        factors: Width of a vector.
        regularization: Values to try. Those of the default are for "als"; "bpr" wants
            0.003 to 0.03, and 60 iterations or more.
        alpha: Values to try of the weight of a click, of "als" only.
        pool_weight: Values to try of the weight of pools, of "als" only: a scenario is
            a further user who has clicked its pool, each click weighing so much of one
            by a user. Pools are given with every scenario, held-out clicks are not.
        item_weight: Values to try of the weight of a linear model of items, as of the
            baseline "ease", in the dot product of the factors where a pool is given;
            where it is 1, scores of both spread alike. No pair is embedded by it. Where
            users are tasks, neither this nor `open_weight` is tried.
        open_weight: Values to try of that weight where no pool is given. There the
            linear model also says how close items are to the clicks of a scenario.
        count_weight: Values to try of the weight in the prior, where a pool is given,
            of the logarithm of 1 + how often the item was clicked in the scenario:
            above 0 where scenarios have favourites of their own, whoever asks. The dot
            product of a known click is about 1. The last 128 clicks count; where users
            are tasks, none.
        item_factors: Width that the linear model is cut to: more where items have few
            clicks each, for as much more memory and time. If not given it is 512; where
            users are tasks, 1024 and 2048 are tried too, if a table of all items has no
            more than 67 million numbers then, and judged by the prior after `item_l2`.
        item_l2: Values to try of its ridge.
        item_power: Values to try of the power of an item's clicks by which its ridge
            grows, where users are tasks: 0 for the same ridge for every item.
        item_clicks: Values to try of the clicks of a user at which the ridge is
            doubled, where users are tasks: with fewer it grows with the square of how
            many they are fewer. Judged by the mean of Recall@20 with 1, 4, 16 and all
            clicks.
        mean_weight: Values to try of the weight of the mean of the clicks' factors
            beside that of the linear model, where users are tasks, of n clicks times
            n / (n + 16): above 0 where a log is too small for the linear model. Judged
            as `item_clicks` is.
        feature_weight: Values to try of the weight of the features of items, if
            `data.domains` give any, in the linear model: each value of a feature is a
            further user who has clicked the items that have it, so many times as much
            as the mean user. Where users are tasks it is chosen after `mean_weight` and
            as that is, else after `open_weight` and as that is.
        feature_clicks: Values to try of the clicks of an item at which its vector and
            what its features predict weigh alike; with 0 only items without a click
            have a vector from features. Chosen last, as `mean_weight` is, or by the
            prior with a pool.
        iterations: Sweeps.
        learning_rate: Of "bpr" only.
        seed: Seed of the initial factors.
    """

    method: Literal["als", "bpr"] = "als"
    factors: int = pydantic.Field(128, ge=1)
    regularization: tuple[NotNegative, ...] = pydantic.Field(
        (30.0, 60.0, 100.0, 150.0), min_length=1
    )
    alpha: tuple[Positive, ...] = pydantic.Field((10.0, 40.0), min_length=1)
    pool_weight: tuple[NotNegative, ...] = pydantic.Field((0.0, 0.5, 1.0), min_length=1)
    item_weight: tuple[NotNegative, ...] = pydantic.Field(
        (0.0, 0.25, 0.5), min_length=1
    )
    open_weight: tuple[NotNegative, ...] = pydantic.Field((0.3, 1.0, 3.0), min_length=1)
    count_weight: tuple[NotNegative, ...] = pydantic.Field(
        (0.0, 0.1, 0.3), min_length=1
    )
    item_factors: int | None = pydantic.Field(None, ge=1)
    item_l2: tuple[Positive, ...] = pydantic.Field((50.0, 100.0), min_length=1)
    item_power: tuple[NotNegative, ...] = pydantic.Field((0.5,), min_length=1)
    item_clicks: tuple[NotNegative, ...] = pydantic.Field(
        (8.0, 16.0, 32.0), min_length=1
    )
    mean_weight: tuple[NotNegative, ...] = pydantic.Field((0.0, 0.3, 1.0), min_length=1)
    feature_weight: tuple[NotNegative, ...] = pydantic.Field(
        (0.0, 0.3, 1.0), min_length=1
    )
    feature_clicks: tuple[NotNegative, ...] = pydantic.Field(
        (0.0, 1.0, 4.0), min_length=1
    )
    iterations: int = pydantic.Field(15, ge=1)
    learning_rate: float = pydantic.Field(0.05, gt=0.0, allow_inf_nan=False)
    seed: int = pydantic.Field(0, ge=0, lt=2**31)


class ScenarioTrainingConfig(Section):
    """How the model is fitted.

    Attributes:
        support_size: Most clicks in the support set of a training episode.
        support_negatives: Negatives for each click of the support set.
        query_size: Most clicks in its query set.
        query_negatives: Negatives that each click of the query set is compared with.
        batch_size: B, scenarios in a batch.
        full_support_fraction: Share of batches with `support_size` clicks a task; the
            others draw a size from 0 to `support_size`, so that fewer work too.
        open_fraction: Share of batches that train for the whole catalogue, without a
            pool: their negatives are items of any scenario, the popular ones more
            often. The others train for pools, by which the best epoch is chosen unless
            the share is 1. Without such batches a prior that has more terms there ranks
            the whole catalogue alone: the backbone has seen nothing of that task.
        loss: "margin" as in the paper, "bpr" or "cross_entropy".
        margin: Of "margin".
        learning_rate: Of Adam at the start; it falls to 0 along a cosine.
        steps_per_epoch: Batches between two looks at meta-validation.
        max_epochs: Such stretches, at most.
        validation_users: Users of each meta-validation scenario that are looked at
            after an epoch; all if None. Where users are tasks, so many of these, each
            with 4 clicks and with all: metrics are the means.
        patience: Epochs without a better meta-validation NDCG before stopping. The best
            epoch is that of the highest NDCG, to which every held-out click counts, not
            only those near the 20th place; none is, if the start, the closed form, is
            no more than a standard error of the difference below.
        steps_per_execution: Batches that `fit` runs in one call of the graph.
        seed: Seed of weights, episodes and dropout.
        refit: What the exported model is trained on: "all" clicks there are, once the
            training on meta-train has been evaluated, with its keys and the number of
            epochs that meta-validation chose; or "meta_train" alone. Metrics are those
            of the training on meta-train either way.
    """

    support_size: int = pydantic.Field(64, ge=1)
    support_negatives: int = pydantic.Field(1, ge=0)
    query_size: int = pydantic.Field(128, ge=1)
    query_negatives: int = pydantic.Field(1, ge=1)
    batch_size: int = pydantic.Field(8, ge=1)
    full_support_fraction: float = pydantic.Field(0.7, ge=0.0, le=1.0)
    open_fraction: float = pydantic.Field(0.0, ge=0.0, le=1.0)
    loss: Literal["margin", "bpr", "cross_entropy"] = "margin"
    margin: float = pydantic.Field(1.0, gt=0.0, allow_inf_nan=False)
    learning_rate: float = pydantic.Field(1e-3, gt=0.0, allow_inf_nan=False)
    steps_per_epoch: int = pydantic.Field(100, ge=1)
    max_epochs: int = pydantic.Field(10, ge=1)
    validation_users: pydantic.PositiveInt | None = 200
    patience: int = pydantic.Field(4, ge=1)
    steps_per_execution: int = pydantic.Field(10, ge=1)
    seed: int = pydantic.Field(0, ge=0, lt=2**32)
    refit: Literal["all", "meta_train"] = "all"


class ScenarioEvaluationConfig(Section):
    """How methods are compared.

    Attributes:
        support_size: Support clicks of every method, at most.
        support_negatives: Negatives with each of them.
        few_shot_sizes: Smaller support sizes at which every scenario is ranked again.
        few_shot_users: Users of each scenario that is ranked for again, at most; all if
            None. Where users are tasks, so many of these.
        catalogue_users: Users of each scenario that the whole catalogue is ranked for,
            at most; all if None.
        baselines: Methods judged beside CMML. Where users are tasks, all that need no
            known user: popularity, ease_click, click_knn and click_mean; the others
            cannot be named, nor under `push.baselines` and `comparison`.
        num_resamples: Bootstrap resamples of the scenarios behind each interval.
        more_metrics: Metrics of `eval/metrics.json` that tables have a column of
            beside, such as "ndcg@10".
        seed: Seed of the resamples.
    """

    support_size: int = pydantic.Field(64, ge=1)
    support_negatives: int = pydantic.Field(1, ge=0)
    few_shot_sizes: tuple[pydantic.NonNegativeInt, ...] = (0, 4, 16)
    few_shot_users: pydantic.PositiveInt | None = 200
    catalogue_users: pydantic.PositiveInt | None = 20
    baselines: tuple[BaselineName, ...] = typing.get_args(BaselineName)
    num_resamples: int = pydantic.Field(1000, ge=100)
    more_metrics: MoreMetrics = ()
    seed: int = pydantic.Field(0, ge=0, lt=2**32)


class ScenarioConfig(Experiment):
    """A whole experiment in the scenario-specific setting.

    Attributes:
        data: Raw tables to episodes.
        vectors: Known clicks to factors of users and items.
        model: Members, sizes and switches of CMML.
        training: Episodes to weights.
        evaluation: Weights to metrics.
    """

    setting: Literal["scenario"]
    data: ScenarioDataConfig
    vectors: VectorsConfig = VectorsConfig()
    model: ScenarioOptions = ScenarioOptions()
    training: ScenarioTrainingConfig = ScenarioTrainingConfig()
    evaluation: ScenarioEvaluationConfig = ScenarioEvaluationConfig()

    @property
    def task_word(self) -> str:
        """A scenario or a user."""
        return self.data.task

    @property
    def task_ids(self) -> tuple[str, ...]:
        """Vocabularies of what tasks are called: with users as tasks both."""
        return ("scenario_id", *(("user_id",) if self.data.has_user_tasks else ()))

    @property
    def baseline_names(self) -> tuple[str, ...]:
        """The baselines of clicks, of new users where these are tasks."""
        is_user = self.data.has_user_tasks
        return _OF_NEW_USERS if is_user else typing.get_args(BaselineName)

    @property
    def method_names(self) -> tuple[str, ...]:
        """These baselines, and all learned methods."""
        return (*self.baseline_names, *_OTHER_METHODS)

    @property
    def may_lack(self) -> tuple[str, ...]:
        """Pools, and queries in meta-train, where users are tasks."""
        return (POOL_KEY, QUERY_ITEM_KEY) if self.data.has_user_tasks else ()

    @property
    def names_hold_where(self) -> str:
        """That users are tasks, if they are."""
        return " where data.task is 'user'" if self.data.has_user_tasks else ""

    @property
    def weight_sections(self) -> tuple[Any, ...]:
        """What decides the weights, beside the prepared data set."""
        evaluation = self.evaluation  # What epochs are chosen by, and the metric.
        shown = [evaluation.support_size, evaluation.support_negatives, evaluation.seed]
        if self.training.open_fraction == 1.0:  # They are judged without a pool.
            shown.append(evaluation.catalogue_users or 0)
        shown += self.few_sizes
        return (
            *self.factor_sections,
            self.model,
            self.training.model_dump(exclude={"refit"}),
            shown,
            EPOCH_METRIC.name,
        )

    @property
    def few_sizes(self) -> tuple[int, ...]:
        """Fewer clicks than all that epochs are judged with too, of users as tasks."""
        is_fewer = self.evaluation.support_size > _FEW_CLICKS
        return (_FEW_CLICKS,) if self.data.has_user_tasks and is_fewer else ()

    @property
    def factor_sections(self) -> tuple[Any, ...]:
        """What decides the factors."""
        return VECTORS_VERSION, self.vectors

    @pydantic.model_validator(mode="before")
    @classmethod
    def _with_baselines_of_task(cls, values: Any) -> Any:
        """Leaves out what knows users by their clicks, which cannot be named.

        The names are checked here, before their type lists more of them.
        """
        data = values.get("data")
        if not isinstance(data, dict) or data.get("task") != USER_TASKS:
            return values
        evaluation = values.get("evaluation") or {}
        names = [one for one in evaluation.get("baselines", ()) if isinstance(one, str)]
        where = f" where data.task is {USER_TASKS!r}"
        check_names("evaluation.baselines", names, _OF_NEW_USERS, where)
        return values | {"evaluation": {"baselines": _OF_NEW_USERS} | evaluation}

    @pydantic.model_validator(mode="after")
    def _check_negatives(self) -> Self:
        stored = self.data.episodes.num_negatives
        for key, value in (
            ("training.support_negatives", self.training.support_negatives),
            ("training.query_negatives", self.training.query_negatives),
            ("evaluation.support_negatives", self.evaluation.support_negatives),
        ):
            if value > stored:
                raise ValueError(
                    f"{key} must be at most data.episodes.num_negatives, {stored}, "
                    f"got {value}."
                )
        return self
