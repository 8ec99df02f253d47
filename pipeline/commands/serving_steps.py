"""The steps of the command line that serve: each is imported only when it runs."""

import argparse
import functools
import os
import pathlib
from collections.abc import Sequence

from pipeline.commands.step_arguments import (
    Commands,
    Step,
    add_step,
    config_of,
    dataset_of,
    refuse,
)
from pipeline.experiment import quiet
from pipeline.serving.server.options import ServerOptions

_MODEL = "a version, or the folder of the versions of a model"

# Limits of `serve`: the attributes of `ServerOptions`, but for one that has a name that
# TensorFlow Serving gives it.
_OPTION_OF_FLAG = {"port": "grpc_port"}
_SERVER_FLAGS = {
    "host": "address to listen at",
    "port": "of gRPC; 0 for a free one",
    "rest_port": "of REST, metrics and page; 0 for a free one",
    "max_request_bytes": "larger requests are refused",
    "deadline_s": "most seconds for a request",
    "queue_size": "most requests that wait",
    "max_batch_size": "most tasks run at once",
    "batch_timeout_s": "how long a request waits for others",
    "num_workers": "batches run side by side",
}


def add_serving_steps(commands: Commands) -> None:
    """Adds `serve`, `validate`, `push`, `rollback` and `bench`."""
    _add_serve(commands)
    validate = _add(commands, "validate", "ask an exported model all it has recorded")
    validate.add_argument("--model", type=pathlib.Path, required=True, help=_MODEL)
    validate.set_defaults(check=_validate)
    _add_push(commands)
    _add_rollback(commands)
    _add_bench(commands)


def _add(commands: Commands, name: str, summary: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=summary, allow_abbrev=False)


def _add_serve(commands: Commands) -> None:
    serve = _add(commands, "serve", "answer requests over gRPC and REST")
    source = serve.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", type=pathlib.Path, help=_MODEL)
    source.add_argument("--models_config", type=pathlib.Path, help="a models.config")
    source.add_argument("--config", help="YAML file whose newest export is served")
    serve.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    serve.add_argument("--model_name", help="default: the name of the folder")
    serve.add_argument(
        "--server",
        default="auto",
        choices=["auto", "embedded", "tensorflow_model_server"],
        help="default: tensorflow_model_server if it is on the PATH, else embedded",
    )
    for name, text in _SERVER_FLAGS.items():
        default = getattr(ServerOptions, _OPTION_OF_FLAG.get(name, name))
        serve.add_argument(
            f"--{name}",
            type=type(default),
            default=default,
            help=f"{text}; default %(default)s",
        )
    serve.set_defaults(check=_serve)


def _add_push(commands: Commands) -> None:
    push = add_step(commands, "push", "publish a model that is fit to serve", _push)
    push.add_argument("--model", type=pathlib.Path, help="default: the newest export")
    push.add_argument("--to", type=pathlib.Path, required=True, help="base of models")
    push.add_argument("--label", default="stable", help="stable or canary")
    push.add_argument("--keep", type=int, help="versions kept; default push.keep")
    push.add_argument("--server", metavar="HOST:PORT", help="a server to be told")


def _add_rollback(commands: Commands) -> None:
    rollback = _add(commands, "rollback", "give a label back to the version before")
    rollback.add_argument(
        "--to", type=pathlib.Path, required=True, help="base of models"
    )
    rollback.add_argument("--model_name", default="cmml", help="default %(default)s")
    rollback.add_argument("--label", default="stable", help="stable or canary")
    rollback.add_argument("--version", type=int, help="default: the one before")
    rollback.add_argument("--server", metavar="HOST:PORT", help="a server to be told")
    rollback.set_defaults(check=_rollback)


def _add_bench(commands: Commands) -> None:
    bench = _add(commands, "bench", "measure latency, soak, reload and bad requests")
    bench.add_argument("--model", type=pathlib.Path, required=True, help=_MODEL)
    for flag, sizes in {
        "--support": "0,5,10,40",
        "--candidates": "10,100,1000",
        "--concurrency": "1,8",
    }.items():
        bench.add_argument(flag, default=sizes, help="default %(default)s")
    bench.add_argument(
        "--seconds", type=float, default=3.0, help="of each cell; default %(default)s"
    )
    bench.add_argument("--transports", help="some of inprocess,grpc,rest; default all")
    bench.add_argument("--target", metavar="HOST:PORT", help="a server, for gRPC")
    bench.add_argument("--rest_target", metavar="URL", help="a server, for REST")
    bench.add_argument(
        "--output",
        type=pathlib.Path,
        default=pathlib.Path("serving_bench"),
        help="folder of the results; default %(default)s",
    )
    bench.add_argument(
        "--soak", type=float, default=0.0, metavar="MINUTES", help="keep a load up"
    )
    bench.add_argument("--reload", action="store_true", help="reload under load")
    bench.add_argument(
        "--fuzz", type=int, default=0, metavar="N", help="send N malformed requests"
    )
    bench.add_argument("--seed", type=int, default=0)
    bench.set_defaults(check=_bench)


def _serve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    _prefer_single_requests()
    from pipeline.steps import serve

    model, name = arguments.model, arguments.model_name
    if arguments.config is not None:
        from pipeline.experiment.run_dir import newest_export

        model = newest_export(config_of(arguments)).parent  # And what comes after it.
    elif arguments.set:
        raise ValueError(f"--set goes with --config, got {arguments.set} without.")
    return serve.check(
        model=model,
        models_config=arguments.models_config,
        model_name=name,
        server=arguments.server,
        options=ServerOptions(
            **{
                _OPTION_OF_FLAG.get(name, name): getattr(arguments, name)
                for name in _SERVER_FLAGS
            }
        ),
    )


def _validate(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    version = _version(arguments.model)
    quiet.import_tensorflow()
    from pipeline.steps.validate import validate

    return functools.partial(validate, version)


def _push(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    if arguments.keep is not None and arguments.keep < 1:
        raise ValueError(f"--keep must be at least 1, got {arguments.keep}.")
    config, dataset_dir = dataset_of(arguments, flags)
    from pipeline.experiment.run_dir import newest_export
    from pipeline.steps import push

    options = config.push
    if arguments.keep is not None:
        options = options.model_copy(update={"keep": arguments.keep})
    destination = push.Destination(arguments.to, arguments.label, arguments.server)
    push.check(config, options, destination)
    version = _version(arguments.model or newest_export(config))
    return functools.partial(
        push.push, config, dataset_dir, options, version, destination
    )


def _rollback(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    from pipeline.serving.base.push_options import check_label_and_server

    check_label_and_server(arguments.label, arguments.server)
    quiet.import_tensorflow()
    from pipeline.steps.rollback import rollback

    return functools.partial(
        rollback,
        arguments.to,
        arguments.model_name,
        label=arguments.label,
        version=arguments.version,
        server=arguments.server,
    )


def _bench(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    _prefer_single_requests()
    from pipeline.steps import bench

    given = {
        name: getattr(arguments, name)
        for name in (
            *("support", "candidates", "concurrency", "seconds", "transports"),
            *("target", "rest_target", "output", "soak", "reload", "fuzz", "seed"),
        )
    }
    options = bench.check(arguments.model, **given)
    quiet.import_tensorflow()
    return functools.partial(bench.bench, options)


def _prefer_single_requests() -> None:
    """Leaves oneDNN out, whose products start slowly: those of one request are small.

    Counts if TensorFlow has not been imported yet, and for the stock server too.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def _version(model: pathlib.Path) -> pathlib.Path:
    """Finds the version that is meant: the newest in a folder of versions."""
    quiet.import_tensorflow()
    from pipeline.export.version_dir import newest_version

    return newest_version(model)
