"""The command line: `cmml <command> ...`, one table of commands."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from importlib import metadata

from pipeline.commands import (
    ablate,
    audit,
    bench,
    compare,
    doctor,
    evaluate,
    explain,
    export,
    insight,
    onboard,
    predict,
    prepare,
    pretrain,
    push,
    refit,
    report,
    rollback,
    run,
    serve,
    train,
    tune,
    validate,
    validate_data,
)
from pipeline.commands.command import Step
from pipeline.experiment import quiet
from pipeline.experiment.refused_writes import in_words, refused_write
from pipeline.training.strategy import WorkerLostError
from transforms.schema import DataError

USAGE_ERROR = 2
NOT_WRITTEN = 4
WORKER_LOST = 5
INTERRUPTED = 130

COMMANDS = tuple(
    module.COMMAND
    for module in (
        *(prepare, pretrain, train, evaluate, refit, export, run),
        *(audit, validate_data, ablate, compare, predict, tune),
        *(serve, validate, push, rollback, bench),
        *(onboard, insight, explain, report, doctor),
    )
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one sub-command and returns its exit status.

    Args:
        argv: Arguments without the program name; the process's own by default.

    Returns:
        0 on success, 1 if `doctor` finds trouble, `audit` a leak, `validate-data` a
        drift, or `validate` and `push` a model that is not fit to serve, 2 if
        arguments, configuration or data are at fault, 3 if `onboard` says no-go, 4 if
        files cannot be written, 5 if another worker of a training is lost. A bug keeps
        its traceback.
    """
    quiet.quieten()
    arguments, flags = _parser().parse_known_args(argv)
    arguments.typed = shlex.join(["cmml", *(sys.argv[1:] if argv is None else argv)])
    try:
        return _run_step(arguments, flags)
    except DataError as error:
        print(f"cmml {arguments.command}: {error}", file=sys.stderr)
        return USAGE_ERROR
    except WorkerLostError as error:
        print(f"cmml {arguments.command}: {error}", file=sys.stderr)
        return WORKER_LOST
    except KeyboardInterrupt:
        print(f"cmml {arguments.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if (refusal := refused_write(error)) is None:
            raise
        print(f"cmml {arguments.command}: {in_words(refusal)}", file=sys.stderr)
        return NOT_WRITTEN


def _run_step(arguments: argparse.Namespace, flags: Sequence[str]) -> int:
    """Checks all there is to check, then runs the step."""
    if flags and not arguments.takes_beam_flags:
        raise DataError(f"unknown arguments: {' '.join(flags)}.")
    arguments.beam_flags = flags
    try:
        step: Step = arguments.resolve(arguments)
    except ValueError as error:
        raise DataError(str(error)) from None
    return step() or 0


def entry_point() -> None:
    """The console script."""
    sys.exit(main())


class _ShowVersion(argparse.Action):
    """Prints the installed version, which is looked up only then, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"cmml {metadata.version('cmml')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cmml",
        description="Cold-start recommendation that adapts in one forward pass.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action=_ShowVersion, nargs=0, help="say which it is"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="STEP")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
