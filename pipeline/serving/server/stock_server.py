"""`tensorflow_model_server`, where it is installed, run by the same options."""

import os
import pathlib
import tempfile

from pipeline.experiment.progress import say
from pipeline.serving.server.options import (
    ServedModelDirectory,
    ServerError,
    ServerOptions,
)

STOCK_SERVER = "tensorflow_model_server"

_EMBEDDED_ONLY = (
    "queue_size",
    "max_batch_size",
    "batch_timeout_s",
    "num_workers",
    "max_connections",
    "idle_timeout_s",
)

_MONITORING = """prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""


def validate(options: ServerOptions) -> None:
    """Makes sure that the stock server can honour the options.

    Raises:
        ServerError: If a port is left open or a limit set that it does not have.
    """
    for flag, port in (("port", options.grpc_port), ("rest_port", options.rest_port)):
        if port == 0:
            raise ServerError(f"{flag} must be set for {STOCK_SERVER}, got 0.")
    for name in _EMBEDDED_ONLY:
        value, default = getattr(options, name), getattr(ServerOptions, name)
        if value != default:
            raise ServerError(
                f"{name} must be {default} for {STOCK_SERVER}, which has no such "
                f"limit, got {value}: take --server embedded."
            )
    if options.token or options.tls is not None:
        raise ServerError(
            f"--token_file and --tls_key must not be set for {STOCK_SERVER}, which "
            "asks for no token: take --server embedded, or a proxy in front."
        )
    say(
        f"serve: {STOCK_SERVER} listens on every interface whatever --host is, and has "
        "no authentication: keep its ports behind a firewall."
    )


def replace_process(
    executable: str,
    models: ServedModelDirectory | pathlib.Path | None,
    options: ServerOptions,
) -> int:
    """Becomes the stock server.

    Args:
        executable: Its path.
        models: The model, or the `models.config` that lists them.
        options: Where to listen, and the limits.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cmml-serve-"))
    monitoring = folder / "monitoring.config"
    monitoring.write_text(_MONITORING, encoding="utf-8")
    if isinstance(models, ServedModelDirectory):
        config_path = folder / "models.config"
        config_path.write_text(_config_text(models), encoding="utf-8")
    else:
        config_path = pathlib.Path(models or "").resolve()
    flags = arguments(options, models_config=config_path, monitoring=monitoring)
    print(
        f"serve: gRPC 127.0.0.1:{options.grpc_port}, "
        f"REST http://127.0.0.1:{options.rest_port}",
        flush=True,
    )
    os.execv(executable, [executable, *flags])
    raise AssertionError("exec does not return")


def arguments(
    options: ServerOptions, *, models_config: pathlib.Path, monitoring: pathlib.Path
) -> list[str]:
    """Returns the flags of `tensorflow_model_server` that say the same.

    Args:
        options: Where to listen, and the limits.
        models_config: File of the models.
        monitoring: File of the monitoring.
    """
    poll_s = max(1, round(options.poll_s))
    return [
        f"--port={options.grpc_port}",
        f"--rest_api_port={options.rest_port}",
        f"--rest_api_timeout_in_ms={round(options.deadline_s * 1000)}",
        f"--model_config_file={models_config}",
        f"--model_config_file_poll_wait_seconds={poll_s}",
        f"--file_system_poll_wait_seconds={poll_s}",
        f"--monitoring_config_file={monitoring}",
        "--grpc_channel_arguments="
        f"grpc.max_receive_message_length={options.max_request_bytes}",
        "--enable_model_warmup=true",
        # Labels in the file name versions that are only about to be loaded.
        "--allow_version_labels_for_unavailable_models=true",
        "--enable_grpc_healthcheck_service=true",
    ]


def _config_text(directory: ServedModelDirectory) -> str:
    """Writes a `models.config` of one model."""
    from google.protobuf import text_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    config = ModelServerConfig()
    entry = config.model_config_list.config.add(
        name=directory.name,
        base_path=str(directory.base_path),
        model_platform="tensorflow",
    )
    if directory.versions is not None:
        entry.model_version_policy.specific.versions.extend(directory.versions)
    return text_format.MessageToString(config)
