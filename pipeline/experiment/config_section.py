"""What the configurations of both settings are made of."""

import pathlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import pydantic

from models.serving.options import OrderName, ServingOptions
from pipeline.experiment.config_errors import check_names

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


class Section(pydantic.BaseModel):
    """A part of the configuration: unknown keys are errors, nothing can be changed."""

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=()
    )


class ExportConfig(Section):
    """What the exported model is called and recommends.

    Attributes:
        model_name: Name TensorFlow Serving knows the model by.
        top_k: Items that `recommend` returns.
        min_item_count: Items with fewer interactions to learn from, or known clicks,
            are not recommended (they can still be ranked, or be named as candidates).
        max_tasks: Most tasks of a request.
        max_support: Most support pairs of a task.
        max_query: Most query, candidate or excluded items of a task.
        history_size: Pairs that a context keeps for `update`, of models that have to
            see all pairs again.
        max_scored: Most pairs of tasks and items that a request makes `recommend` score
            with the whole model.
        shortlist_size: `recommend` scores so many items with the whole model, those of
            the highest prior; 0 for all of them. Needs a prior. By default all of a
            catalogue of at most 100,000 items are scored, and 1,000 of a larger one,
            or 2 `top_k` if that is more.
        search_size: Of more than 100,000 items that users rate, or click where no pool
            is given, `recommend` looks for the best among so many, which an index
            finds. The export says what share of the recommended items is found so.
        order_by: What `recommend` orders by: the "score", the expected "gain", or the
            mean plus ("optimistic") or less ("cautious") one standard deviation. All
            but the score need `model.head` "distribution".
    """

    model_name: str = pydantic.Field("cmml", pattern=r"^[a-zA-Z0-9_]+$")
    top_k: int = pydantic.Field(100, ge=1)
    min_item_count: int = pydantic.Field(10, ge=0)
    max_tasks: int = pydantic.Field(1024, ge=1)
    max_support: int = pydantic.Field(1000, ge=1)
    max_query: int = pydantic.Field(10_000, ge=1)
    history_size: int = pydantic.Field(64, ge=1, le=1000)
    max_scored: int = pydantic.Field(4_000_000, ge=1)
    shortlist_size: int | None = pydantic.Field(None, ge=0)
    search_size: int = pydantic.Field(16_384, ge=1)
    order_by: OrderName = "score"

    @pydantic.model_validator(mode="after")
    def _check_shortlist(self) -> "ExportConfig":
        if self.shortlist_size and self.shortlist_size < self.top_k:
            raise ValueError(
                f"shortlist_size must be 0 or at least top_k = {self.top_k}, "
                f"got {self.shortlist_size}."
            )
        return self

    def serving_options(self, model_version: int, **of_ids: Any) -> ServingOptions:
        """Returns the options of the served model.

        Args:
            model_version: Its version.
            **of_ids: How the ids of its data set are read.
        """
        sizes = self.model_dump(exclude={"model_name"})
        return ServingOptions(model_version=model_version, **sizes, **of_ids)


class RowLimits(Section):
    """How many rows may be refused or find no match, and which ids are one.

    Attributes:
        max_rejected_fraction: Above this share of refused rows of any table, `prepare`
            fails, and above this share of rows whose id differs in form only from that
            of another table.
        max_unmatched_fraction: Above this share of rows whose id is not in the table
            that says more of it, `prepare` fails.
        normalize_ids: Whether ids that differ only in spaces, signs that cannot be
            seen, case, zeros in front or a fraction of zero ("007", "7.0" and "7") are
            one. All ids are then in one form, without these and in lower case ("S22"
            is "s22"), in every answer too: bring those of tables that answers are
            joined to into it with `transforms.raw_text.normal_id`.
    """

    max_rejected_fraction: float = pydantic.Field(0.01, ge=0.0, le=1.0)
    max_unmatched_fraction: float = pydantic.Field(0.3, ge=0.0, le=1.0)
    normalize_ids: bool = False


class ComparisonConfig(Section):
    """How `cmml compare` tunes and repeats methods.

    Attributes:
        methods: The methods of a comparison; all of the setting if None.
        num_trials: Configurations of each learned method that are trained and held
            against each other on meta-validation, CMML's too.
        max_seeds: Most seeds of a method, by name, for those that take long.
        options: Hyperparameters of a method, by name, that all its trials share.
        num_resamples: Bootstrap resamples of the tasks behind each interval and
            p-value, which cannot be smaller than one of them times the methods.
    """

    methods: tuple[str, ...] | None = None
    num_trials: int = pydantic.Field(4, ge=1)
    max_seeds: dict[str, pydantic.PositiveInt] = {}
    options: dict[str, dict[str, Any]] = {}
    num_resamples: int = pydantic.Field(10_000, ge=100)


class PushConfig(Section):
    """What `cmml push` demands of a version before it publishes it.

    Attributes:
        split: Frozen episodes that versions are judged by. Not the test split by
            default, which would no longer be one if models were chosen by it.
        baselines: Methods that a version must beat, each; `bias_ridge` in the user
            setting and `popularity` in the scenario setting if None.
        margin: How much worse than the version now serving a new one may be: of mae
            in standard deviations of the labels, of recall@20 as a share.
        max_users: Users of each scenario that are ranked for, at most; all if None.
            Of the scenario setting only.
        max_p99_ms: Longest 99th percentile of the time that `rank` takes in process
            for a recorded request, in milliseconds.
        max_size_mb: Largest size of a version on disk, in megabytes.
        keep: Versions that stay in the base, the newest; those with a label stay too.
        num_resamples: Bootstrap resamples of the tasks behind each rule.
        seed: Seed of the resamples.
        served_base: The base as the server sees it, such as "/models" in a container;
            the base itself if None. Used when a model is pushed for the first time.
    """

    split: Literal["meta_validation", "meta_test"] = "meta_validation"
    baselines: tuple[str, ...] | None = None
    margin: float = pydantic.Field(0.01, ge=0.0, allow_inf_nan=False)
    max_users: pydantic.PositiveInt | None = 200
    max_p99_ms: float = pydantic.Field(50.0, gt=0.0, allow_inf_nan=False)
    max_size_mb: float = pydantic.Field(500.0, gt=0.0, allow_inf_nan=False)
    keep: int = pydantic.Field(3, ge=1)
    num_resamples: int = pydantic.Field(10_000, ge=100)
    seed: int = pydantic.Field(0, ge=0, lt=2**32)
    served_base: str | None = None


class DriftConfig(Section):
    """How far a prepared data set may lie from the one that a model was trained on.

    Attributes:
        reference: Folder of that data set. `prepare`, and so `run`, compares with it
            and stops beyond a limit; None compares in `cmml validate-data` alone.
        max_unknown_share: Share of the values of a vocabulary, such as `item_id`, that
            the reference lacks.
        may_be_new: Vocabularies that are not looked at; those of the tasks if None:
            `user_id` in the user setting, `scenario_id` in the scenario setting.
        max_missing_increase: How much the share of tasks or entities without a value
            of a feature may rise. A feature that is missing altogether is beyond it.
        max_value_shift: How far labels and numeric features may move on average, in
            standard deviations of the reference.
        max_support_shift: The same of the lengths of support sets.
    """

    reference: str | None = None
    max_unknown_share: float = pydantic.Field(0.45, ge=0.0, le=1.0)
    may_be_new: tuple[str, ...] | None = None
    max_missing_increase: float = pydantic.Field(0.1, ge=0.0, le=1.0)
    max_value_shift: float = pydantic.Field(0.25, ge=0.0, allow_inf_nan=False)
    max_support_shift: float = pydantic.Field(0.65, ge=0.0, allow_inf_nan=False)


class TensorBoardConfig(Section):
    """What a training writes for TensorBoard beside loss and metrics.

    No weight depends on it.

    Attributes:
        insight_every: Epochs from one look inside the model to the next: gradient, dead
            units, contexts, adaptation gain, and pictures of the modulation; 0 for
            none.
        profile: Whether a few batches of the first epochs are profiled.
    """

    insight_every: int = pydantic.Field(5, ge=0)
    profile: bool = False


class Source(Protocol):
    """The raw tables of an experiment, and how they become a prepared data set."""

    def validate(self) -> None:
        """Checks tables and columns without any work.

        Raises:
            ValueError: If a table or a column is not what it should be.
        """
        ...

    def fingerprint(self) -> str:
        """Returns what changes with inputs and options.

        Raises:
            ValueError: If a table is missing.
        """
        ...

    def prepare(self, directory: pathlib.Path, options: "PipelineOptions") -> str:
        """Writes the data set, whole or not at all.

        Returns:
            What it holds, in a few lines for people.

        Raises:
            RejectedRowsError: If too many rows are refused; they are stored.
        """
        ...


class Experiment(Section):
    """What every experiment has, whatever its setting.

    Attributes:
        setting: What a task is, such as a "user" with ratings or a "scenario" with
            clicks.
        name: Folder of its prepared data and its runs.
        drift: The prepared data set beside the one trained on.
        tensorboard: What can be watched of a training.
        export: Weights to a SavedModel.
        comparison: CMML beside other methods.
        push: What a version must do to be served.
        prepared_dir: Folder of the prepared data sets.
        runs_dir: Folder of the runs.
    """

    setting: str
    name: str = pydantic.Field(pattern=r"^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$")
    drift: DriftConfig = DriftConfig()
    tensorboard: TensorBoardConfig = TensorBoardConfig()
    export: ExportConfig = ExportConfig()
    comparison: ComparisonConfig = ComparisonConfig()
    push: PushConfig = PushConfig()
    prepared_dir: str = "prepared"
    runs_dir: str = "runs"

    @pydantic.model_validator(mode="after")
    def _check_methods(self) -> Self:
        comparison, methods = self.comparison, self.method_names
        baselines = self.push.baselines or ()
        self.check_methods("push.baselines", baselines, self.baseline_names)
        self.check_methods("comparison.methods", comparison.methods or (), methods)
        self.check_methods("comparison.max_seeds", comparison.max_seeds, methods)
        self.check_methods("comparison.options", comparison.options, methods)
        return self

    def check_methods(
        self, key: str, names: Iterable[str], known: Sequence[str]
    ) -> None:
        """Checks that methods that a key names are among those of the experiment.

        Raises:
            ValueError: If one is not; it names the nearest.
        """
        check_names(key, names, known, self.names_hold_where)

    @property
    def baseline_names(self) -> tuple[str, ...]:
        """The simple methods of the experiment, as `Setting.methods` has them.

        These names and those of `method_names` stand in the configuration since the
        registries of methods cannot be imported without TensorFlow.
        """
        return ()

    @property
    def method_names(self) -> tuple[str, ...]:
        """All methods of a comparison, in their order."""
        return ()

    @property
    def may_lack(self) -> tuple[str, ...]:
        """Features that tasks of a data set are without by design."""
        return ()

    @property
    def names_hold_where(self) -> str:
        """The key and value that methods are left out by, in words; "" if none are."""
        return ""

    @property
    def task_word(self) -> str:
        """What a task is, in a word."""
        return self.setting

    @property
    def task_ids(self) -> tuple[str, ...]:
        """Vocabularies of what tasks are called."""
        return ()

    def source(self) -> Source:
        """Returns the raw tables of the experiment; without TensorFlow.

        Raises:
            ValueError: If the layout of the raw data is unknown.
        """
        raise NotImplementedError

    def functions(self) -> Any:
        """Returns the `Setting`, for `setting_of`; its modules are imported here."""
        raise NotImplementedError

    @classmethod
    def exported_model(cls) -> Any:
        """Returns the `ExportedModel` of the setting, if any; without TensorFlow."""
        return None

    @property
    def weight_sections(self) -> tuple[Any, ...]:
        """What decides the weights, beside the prepared data set."""
        raise NotImplementedError

    @property
    def factor_sections(self) -> tuple[Any, ...]:
        """What decides the factors that are fitted beforehand, if there are any."""
        return ()
