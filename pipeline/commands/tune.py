"""The command `tune`."""

import argparse
import shlex

from pipeline.commands.command import Command, Step, dataset_of, done

_ALGORITHMS = ("grid", "random", "bayesian", "hyperband")
_EPILOG = (
    "Several processes share the trials of a search if KERASTUNER_TUNER_ID (chief, or "
    "a name for each worker), KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT are set."
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=["run", "report"],
        default="run",
        help="run the trials that are missing, the default, or report on what there is",
    )
    parser.add_argument("--space", required=True, help="YAML file of what is searched")
    parser.add_argument(
        "--algorithm", choices=_ALGORITHMS, default="grid", help="default %(default)s"
    )
    parser.add_argument(
        "--max_trials",
        type=int,
        metavar="N",
        help="most trials of the search",
    )
    parser.add_argument(
        "--max_hours",
        type=float,
        metavar="H",
        help="no trial starts later than that",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    from pipeline.training.search_plan import check_budget, load_plan

    if arguments.action == "run":
        check_budget(arguments.algorithm, arguments.max_trials, arguments.max_hours)
    plan = load_plan(
        arguments.config, arguments.set, arguments.space, arguments.algorithm
    )
    _, dataset_dir = dataset_of(arguments)
    from pipeline.steps import tune

    if arguments.action == "report":
        from pipeline.reports.search.tuning_report import write_report

        search_dir = tune.search_dir_of(plan, dataset_dir)
        return lambda: done(write_report(search_dir, arguments.config, arguments.set))
    return lambda: done(
        tune.tune(
            plan,
            dataset_dir,
            max_trials=arguments.max_trials,
            max_hours=arguments.max_hours,
            command=_report_command(arguments),
        )
    )


def _report_command(arguments: argparse.Namespace) -> str:
    changes = [part for change in arguments.set for part in ("--set", change)]
    return shlex.join(
        [
            *("cmml", "tune", "report", "--config", arguments.config, *changes),
            *("--space", arguments.space, "--algorithm", arguments.algorithm),
        ]
    )


COMMAND = Command(
    "tune",
    "search keys of the configuration, and report what came of it",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
    epilog=_EPILOG,
)
