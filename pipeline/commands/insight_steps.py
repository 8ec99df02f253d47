"""The steps of the command line that look inside a model."""

import argparse
import functools
import pathlib
import shlex
from collections.abc import Sequence

from pipeline.commands.step_arguments import (
    Commands,
    Step,
    add_step,
    config_of,
    dataset_of,
    done,
    module_of,
    refuse,
)
from pipeline.experiment import quiet

_SPLITS = ("all", "meta_train", "meta_validation", "meta_test")
_FOLDER = pathlib.Path("explain")


def add_insight_steps(commands: Commands) -> None:
    """Adds `insight` and `explain`."""
    insight = add_step(
        commands,
        "insight",
        "a map of the contexts of tasks, and how they cluster",
        _map,
    )
    insight.add_argument(
        "--split",
        choices=_SPLITS,
        default="all",
        help="whose contexts; default %(default)s",
    )
    insight.add_argument(
        "--max_tasks",
        type=int,
        default=6000,
        help="contexts, at most; default %(default)s",
    )
    insight.add_argument(
        "--groups", type=pathlib.Path, help="YAML file that joins labels to groups"
    )
    insight.add_argument(
        "--output",
        type=pathlib.Path,
        help="folder of the page; default: insight/ of the run",
    )
    _add_explain(commands)


def _add_explain(commands: Commands) -> None:
    explain = commands.add_parser(
        "explain",
        help="what a recommendation owes to each support pair",
        allow_abbrev=False,
    )
    explain.add_argument(
        "--config", help="YAML file whose newest export and prepared tasks are taken"
    )
    explain.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="as given when it was trained",
    )
    explain.add_argument(
        "--model", type=pathlib.Path, help="exported model; default: that of --config"
    )
    explain.add_argument(
        "--task",
        nargs="+",
        required=True,
        metavar="ID",
        help="whose recommendations; more than one make a group",
    )
    explain.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="ID",
        help="a task or group to compare the modulation with",
    )
    explain.add_argument(
        "--input",
        type=pathlib.Path,
        help="JSON lines, as of `predict`, that hold the tasks; else those of --config",
    )
    explain.add_argument(
        "--top", type=int, default=10, help="items explained; default %(default)s"
    )
    explain.add_argument(
        "--output",
        type=pathlib.Path,
        default=_FOLDER,
        help="folder of the page; default %(default)s",
    )
    explain.set_defaults(check=_explain)


def _map(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    if arguments.max_tasks < 2:
        raise ValueError(f"--max_tasks must be at least 2, got {arguments.max_tasks}.")
    config, dataset_dir = dataset_of(arguments, flags)
    from pipeline.insight.groups import load_groups
    from pipeline.steps.context_space import map_contexts

    groups = load_groups(arguments.groups) if arguments.groups else None
    run = module_of(config, "train").open_trained(config, dataset_dir)
    return lambda: done(
        map_contexts(
            config,
            dataset_dir,
            run,
            split=arguments.split,
            max_tasks=arguments.max_tasks,
            groups=groups,
            output=arguments.output,
        )
    )


def _explain(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    path, model = arguments.input, arguments.model
    if arguments.config is None and (model is None or path is None):
        raise ValueError("explain needs --config, or --model and --input.")
    if arguments.config is None and arguments.set:
        raise ValueError(f"--set goes with --config, got {arguments.set} without it.")
    if path is not None and not path.is_file():
        raise ValueError(f"--input must be a file, got {str(path)!r}.")
    if not 1 <= arguments.top <= 128:
        raise ValueError(f"--top must be within [1, 128], got {arguments.top}.")
    if arguments.config is not None:
        config = config_of(arguments)
        if model is None:
            from pipeline.experiment.run_dir import newest_export

            model = newest_export(config)
    quiet.import_tensorflow()
    from pipeline.export.version_dir import newest_version
    from pipeline.insight.task_requests import prepared_request, written_request
    from pipeline.steps.explain import explain

    if path is not None:
        request_of = functools.partial(written_request, path)
    else:
        dataset_dir = module_of(config, "prepare").open_dataset(config)
        request_of = functools.partial(prepared_request, config, dataset_dir)
    return functools.partial(
        explain,
        newest_version(model),
        request_of,
        tasks=arguments.task,
        against=arguments.against,
        top=arguments.top,
        folder=arguments.output,
        command=shlex.join(["cmml", *arguments.typed]),
    )
