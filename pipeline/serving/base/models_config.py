"""`models.config`: which versions of which models a server loads, and their labels.

A text proto, `ModelServerConfig`, as TensorFlow Serving reads it from
`--model_config_file`. Models of others in the same file stay as they are.
"""

import pathlib
from collections.abc import Collection, Mapping

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import (
    ModelConfig,
    ModelServerConfig,
)

from models.whole_files import write_atomically
from transforms.schema import DataError

MODELS_CONFIG = "models.config"
PLATFORM = "tensorflow"


def read_models_config(path: pathlib.Path) -> ModelServerConfig:
    """Reads the file; an empty configuration if there is none.

    Raises:
        DataError: If it is none; the message names file and line.
    """
    config = ModelServerConfig()
    if path.exists():
        try:
            text_format.Parse(path.read_text(encoding="utf-8"), config)
        except text_format.ParseError as error:
            raise DataError(f"{path}, line {error}") from None
    if config.WhichOneof("config") == "custom_model_config":
        raise DataError(
            f"{path} must have a model_config_list, got a custom_model_config."
        )
    return config


def write_models_config(path: pathlib.Path, config: ModelServerConfig) -> None:
    """Writes the file; a server that polls it never reads half of it."""
    write_atomically(path, text_format.MessageToString(config), is_durable=True)


def models_of(config: ModelServerConfig) -> list[str]:
    """Returns the names of the models, in their order."""
    return sorted(entry.name for entry in config.model_config_list.config)


def labels_of(config: ModelServerConfig, model_name: str) -> dict[str, int]:
    """Returns the version of each label of a model; empty if it is not there."""
    entry = _entry(config, model_name)
    return {} if entry is None else dict(entry.version_labels)


def versions_of(config: ModelServerConfig, model_name: str) -> list[int]:
    """Returns the versions of a model that are named; empty if it is not there."""
    entry = _entry(config, model_name)
    return [] if entry is None else list(entry.model_version_policy.specific.versions)


def with_model(
    config: ModelServerConfig,
    model_name: str,
    *,
    base_path: str,
    versions: Collection[int],
    labels: Mapping[str, int],
) -> ModelServerConfig:
    """Returns a copy in which a model has these versions and labels.

    Args:
        config: What is there.
        model_name: Name of the model.
        base_path: Directory of its versions as the server sees it; an entry that is
            there keeps its own.
        versions: To be loaded.
        labels: Version of each label.
    """
    changed = ModelServerConfig()
    changed.CopyFrom(config)
    entry = _entry(changed, model_name)
    if entry is None:
        entry = changed.model_config_list.config.add(
            name=model_name, base_path=base_path, model_platform=PLATFORM
        )
    entry.model_version_policy.Clear()
    entry.model_version_policy.specific.versions.extend(sorted(versions))
    entry.version_labels.clear()
    entry.version_labels.update(labels)
    return changed


def _entry(config: ModelServerConfig, model_name: str) -> ModelConfig | None:
    entries = config.model_config_list.config
    return next((entry for entry in entries if entry.name == model_name), None)
