"""ModelServerConfig: the models of a server in TensorFlow Serving's format."""

import pathlib

from tensorflow_serving.config import model_server_config_pb2 as config_pb2

from pipeline.serving.base.models_config import PLATFORM, read_models_config
from pipeline.serving.server.options import ServedModelDirectory, ServerError
from pipeline.serving.server.request_error import RequestError, invalid


def served_directories(
    config: config_pb2.ModelServerConfig,
) -> list[ServedModelDirectory]:
    """Reads the models out of a configuration.

    Raises:
        RequestError: If it is none, or none that TensorFlow Serving would take.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise invalid("the configuration must have a model_config_list.")
    directories = [_directory(entry) for entry in config.model_config_list.config]
    names = [directory.name for directory in directories]
    if len(set(names)) < len(names):
        raise invalid(f"each model must be listed once, got {names}.")
    return directories


def _directory(entry: config_pb2.ModelConfig) -> ServedModelDirectory:
    if not entry.name:
        raise invalid("a model must have a name.")
    platform = entry.model_platform
    if entry.model_type == config_pb2.TENSORFLOW and not platform:
        platform = PLATFORM
    if platform != PLATFORM:
        raise invalid(
            f"model {entry.name!r} must have model_platform {PLATFORM!r}, "
            f"got {platform!r}."
        )
    base_path = pathlib.Path(entry.base_path)
    if not base_path.is_absolute():
        raise invalid(
            f"model {entry.name!r} must have an absolute base_path, "
            f"got {entry.base_path!r}."
        )
    policy = entry.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    versions, num_newest = None, 1
    if kind == "specific":
        versions = tuple(policy.specific.versions)
    elif kind == "latest":
        num_newest = policy.latest.num_versions or 1
    return ServedModelDirectory(
        entry.name,
        base_path,
        versions=versions,
        num_newest=None if kind == "all" else num_newest,
        labels=dict(entry.version_labels),
    )


def read_directories(path: pathlib.Path) -> list[ServedModelDirectory]:
    """Reads the models out of a file.

    Raises:
        DataError: If the file is no configuration.
    """
    try:
        return served_directories(read_models_config(path))
    except RequestError as error:
        raise ServerError(f"{path}: {error.message}") from None
