"""The command `serve`."""

import argparse
import pathlib

from pipeline.commands.command import (
    MODEL,
    Command,
    Step,
    add_set,
    config_of,
    prefer_single_requests,
    refuse_changes,
)
from pipeline.serving.server.access import read_token, tls_files
from pipeline.serving.server.options import ServerOptions

# Limits of `serve`: the attributes of `ServerOptions`, but for one that has a name that
# TensorFlow Serving gives it.
_OPTION_OF_FLAG = {"port": "grpc_port"}
_SERVER_FLAGS = {
    "host": "address to listen at",
    "port": "of gRPC; 0 for a free one",
    "rest_port": "of REST, metrics and page; 0 for a free one",
    "max_request_bytes": "larger requests are refused",
    "max_connections": "most connections to each port",
    "idle_timeout_s": "when a connection without a request is closed",
    "deadline_s": "most seconds for a request to come, to be answered, to be taken",
    "queue_size": "most requests that wait",
    "max_batch_size": "most tasks run at once",
    "batch_timeout_s": "how long a request waits for others",
    "num_workers": "batches run side by side",
}

_ALLOWED = {
    "allow_unauthenticated": "no token is asked for at an address of the network",
    "allow_reload": "HandleReloadConfigRequest is taken there too",
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", type=pathlib.Path, help=MODEL)
    source.add_argument("--models_config", type=pathlib.Path, help="a models.config")
    source.add_argument("--config", help="YAML file whose export is served")
    add_set(parser)
    parser.add_argument("--model_name", help="default: the name of the folder")
    parser.add_argument(
        "--server",
        default="auto",
        choices=["auto", "embedded", "tensorflow_model_server"],
        help="default: tensorflow_model_server if it is on the PATH, else embedded",
    )
    for name, text in _SERVER_FLAGS.items():
        default = getattr(ServerOptions, _OPTION_OF_FLAG.get(name, name))
        parser.add_argument(
            f"--{name}",
            type=type(default),
            default=default,
            help=f"{text}; default %(default)s",
        )
    _add_access(parser)


def _add_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--token_file",
        type=pathlib.Path,
        help="what clients must send as bearer token; default: CMML_SERVER_TOKEN",
    )
    parser.add_argument("--tls_certificate", type=pathlib.Path, help="PEM file")
    parser.add_argument("--tls_key", type=pathlib.Path, help="PEM file")
    for name, text in _ALLOWED.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)


def _resolve(arguments: argparse.Namespace) -> Step:
    refuse_changes(arguments)
    prefer_single_requests()
    from pipeline.steps import serve

    model, name = arguments.model, arguments.model_name
    if arguments.config is not None:
        from pipeline.experiment.version_dir import newest_version
        from pipeline.export.export_of_config import export_of_config

        model = export_of_config(config_of(arguments))
        if newest_version(model.parent) == model.resolve():
            model = model.parent  # And what comes after it.
    return serve.resolve(
        model=model,
        models_config=arguments.models_config,
        model_name=name,
        server=arguments.server,
        options=ServerOptions(
            **{
                _OPTION_OF_FLAG.get(name, name): getattr(arguments, name)
                for name in _SERVER_FLAGS
            },
            **{name: getattr(arguments, name) for name in _ALLOWED},
            token=read_token(arguments.token_file),
            tls=tls_files(arguments.tls_certificate, arguments.tls_key),
        ),
    )


COMMAND = Command(
    "serve",
    "answer requests over gRPC and REST",
    _resolve,
    add_arguments=_add_arguments,
)
