"""The command `push`."""

from __future__ import annotations

import argparse
import functools
import pathlib
from typing import TYPE_CHECKING

from pipeline.commands.command import Command, Step, dataset_of, version_of

if TYPE_CHECKING:
    from pipeline.experiment.config_section import Experiment

_REGISTRY = "mlflow:"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", type=pathlib.Path, help="default: the export of --config"
    )
    parser.add_argument(
        "--to", required=True, help="base of models, or mlflow:URI of a registry"
    )
    parser.add_argument("--label", default="stable", help="stable or canary")
    parser.add_argument("--keep", type=int, help="versions to keep; default push.keep")
    parser.add_argument("--server", metavar="HOST:PORT", help="a server to be notified")


def _resolve(arguments: argparse.Namespace) -> Step:
    if arguments.keep is not None and arguments.keep < 1:
        raise ValueError(f"--keep must be at least 1, got {arguments.keep}.")
    config, dataset_dir = dataset_of(arguments)
    from pipeline.serving.base.push_options import check_label_and_server
    from pipeline.steps.push import push

    if arguments.to.startswith(_REGISTRY):
        return _to_registry(arguments, config, dataset_dir)
    check_label_and_server(arguments.label, arguments.server)
    options = config.push
    if arguments.keep is not None:
        options = options.model_copy(update={"keep": arguments.keep})
    version = version_of(arguments)
    return functools.partial(
        push,
        *(config, dataset_dir, options, version, pathlib.Path(arguments.to)),
        label=arguments.label,
        server=arguments.server,
    )


def _to_registry(
    arguments: argparse.Namespace, config: Experiment, dataset_dir: pathlib.Path
) -> Step:
    for flag in ("keep", "server"):
        if (value := getattr(arguments, flag)) is not None:
            raise ValueError(f"--{flag} is not for a registry, got {value!r}.")
    uri = arguments.to.removeprefix(_REGISTRY)
    if not uri:
        raise ValueError(
            f"--to {_REGISTRY} needs the URI of a registry, such as "
            f"{_REGISTRY}sqlite:///registry.db, got none."
        )
    from pipeline.export.formats.mlflow import MLFLOW
    from pipeline.serving.base.mlflow_registry import MlflowRegistry
    from pipeline.serving.base.push_options import check_label_and_server
    from pipeline.steps import register

    MLFLOW.check()
    registry = MlflowRegistry(uri, config.export.model_name)
    options, label = config.push, arguments.label
    check_label_and_server(label, None)
    version = version_of(arguments)
    return functools.partial(
        register.register, config, dataset_dir, options, version, registry, label
    )


COMMAND = Command(
    "push",
    "publish a model that is fit to serve",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
