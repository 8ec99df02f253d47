"""What the configurations of both settings are made of."""

from typing import Any, Literal

import pydantic


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
        min_item_count: Items with fewer meta-train interactions, or known clicks, are
            not recommended (they can still be ranked, or be named as candidates).
    """

    model_name: str = pydantic.Field("cmml", pattern=r"^[a-zA-Z0-9_]+$")
    top_k: int = pydantic.Field(100, ge=1)
    min_item_count: int = pydantic.Field(10, ge=0)


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


class Experiment(Section):
    """What every experiment has, whatever its setting.

    Attributes:
        setting: What a task is: a "user" with ratings, or a "scenario" with clicks.
        name: Folder of its prepared data and its runs.
        export: Weights to a SavedModel.
        comparison: CMML beside other methods.
        prepared_dir: Folder of the prepared data sets.
        runs_dir: Folder of the runs.
    """

    setting: Literal["user", "scenario"]
    name: str = pydantic.Field(pattern=r"^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$")
    export: ExportConfig = ExportConfig()
    comparison: ComparisonConfig = ComparisonConfig()
    prepared_dir: str = "prepared"
    runs_dir: str = "runs"

    @property
    def data_section(self) -> Any:
        """What decides the prepared data set."""
        raise NotImplementedError

    @property
    def weight_sections(self) -> tuple[Any, ...]:
        """What decides the weights, given the prepared data set."""
        raise NotImplementedError
