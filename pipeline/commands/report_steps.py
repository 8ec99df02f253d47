"""The step of the command line that writes a run up for people."""

import argparse
import pathlib
from collections.abc import Sequence

from pipeline.commands.step_arguments import Commands, Step, add_step, dataset_of, done


def add_report_steps(commands: Commands) -> None:
    """Adds `report`."""
    report = add_step(
        commands,
        "report",
        "one page on an evaluated run: is it good, for whom",
        _report,
    )
    report.add_argument(
        "--output",
        type=pathlib.Path,
        help="HTML file; default: report/index.html of the run",
    )


def _report(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    output = arguments.output
    if output is not None and not output.parent.is_dir():
        raise ValueError(
            f"--output must be in a folder that exists, got {str(output)!r}."
        )
    config, dataset_dir = dataset_of(arguments, flags)
    from pipeline.steps.report import open_evaluated, write_report

    run = open_evaluated(config, dataset_dir)
    return lambda: done(
        write_report(
            config,
            dataset_dir,
            run,
            config_path=arguments.config,
            overrides=arguments.set,
            output=output,
        )
    )
