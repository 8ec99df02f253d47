"""The YAML file of an experiment: read, changed, checked, hashed and written."""

import dataclasses
import hashlib
import json
import os
import pathlib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic
import yaml

from pipeline.experiment.config_errors import KEY_CUTOFF, explain
from pipeline.experiment.config_section import Experiment
from transforms.nearest_name import nearest

DATA_DIR_VARIABLE = "CMML_DATA_DIR"


ExperimentT = typing.TypeVar("ExperimentT", bound=Experiment)
ModelT = typing.TypeVar("ModelT", bound=pydantic.BaseModel)


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, key and value."""


def load_experiment_of(
    kinds: Mapping[str, type[Experiment]],
    path: str | pathlib.Path,
    overrides: Sequence[str] = (),
    changes: Mapping[str, Any] = types.MappingProxyType({}),
) -> Experiment:
    """Reads a YAML file and checks every key.

    The key `setting` says which keys there are; "user" if it is missing.

    Args:
        kinds: The class of an experiment by name of its setting.
        path: The file.
        overrides: Changes as typed, such as "training.max_epochs=5"; values are YAML.
        changes: Further changes by key, such as {"training.max_epochs": 5}; they win.

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
            f"{path}: data.domains goes with `setting: scenario`, which is missing."
        )
    if not isinstance(setting, str) or setting not in kinds:
        raise ConfigError(
            f"{path}: key 'setting' must be one of {', '.join(kinds)}, "
            f"got {setting!r}{nearest(setting, list(kinds), KEY_CUTOFF)}"
        )
    return validated(values, kinds[setting], path)


def with_changes(config: ExperimentT, changes: Mapping[str, Any]) -> ExperimentT:
    """Returns a copy of an experiment in which some keys have other values.

    Args:
        config: The experiment.
        changes: By key, such as {"training.max_epochs": 5}.

    Raises:
        ConfigError: If a key is unknown or ill-typed; it names key and value.
    """
    values = json.loads(_canonical(config))
    for key, value in changes.items():
        _assign(values, key, value, repr(key))
    return validated(values, type(config), config.name)


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
    """Refuses a key that stands twice in a mapping, where YAML would drop the first.

    Dates stay texts.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Reads a mapping as it is written, before others are merged into it."""
        node = super().compose_mapping_node(anchor)
        keys: list[Any] = []
        for key, _ in node.value:
            if key.value in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} stands twice", key.start_mark
                )
            keys.append(key.value)
        return node


def _as_written(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    del loader
    return str(node.value)


_UniqueKeyLoader.add_constructor("tag:yaml.org,2002:timestamp", _as_written)


def _from_yaml(text: str, source: str) -> Any:
    try:
        return yaml.load(text, _UniqueKeyLoader)
    except (yaml.YAMLError, ValueError) as error:  # The latter of endless numbers.
        raise ConfigError(f"{source} is not YAML: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Says on one line what is wrong with YAML, and where."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    context = getattr(error, "context", None)
    problem = getattr(error, "problem", None) or context or ""
    is_key = "found '<block" in problem
    start = getattr(error, "context_mark", None) or mark
    if start.line != mark.line:
        problem += f", {context} from line {start.line + 1} on"
    hint = " (is it indented as the lines beside it?)" if is_key else ""
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}{hint}"


def validated(values: Any, kind: type[ModelT], source: str | pathlib.Path) -> ModelT:
    """Returns values as what they must be.

    Args:
        values: As read from YAML.
        kind: What the whole file is to be.
        source: The file or the name of the experiment, for the message.

    Raises:
        ConfigError: If a key is unknown or a value ill-typed; it names both.
    """
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        raise ConfigError(explain(source, error, kind)) from None
