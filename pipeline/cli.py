"""The command line: `cmml <step> ...`. Each step is imported only when it runs."""

import argparse
import functools
import pathlib
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.commands.insight_steps import add_insight_steps
from pipeline.commands.onboard_steps import add_onboard_steps
from pipeline.commands.report_steps import add_report_steps
from pipeline.commands.serving_steps import add_serving_steps
from pipeline.commands.step_arguments import (
    Step,
    add_step,
    config_of,
    dataset_of,
    done,
    module_of,
    refuse,
)
from pipeline.commands.tuning_steps import add_tuning_steps
from pipeline.experiment import quiet
from transforms.schema import DataError

if TYPE_CHECKING:
    from pipeline.experiment.config_section import Experiment
    from pipeline.experiment.run_dir import RunDir

USAGE_ERROR = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one sub-command and returns its exit status.

    Args:
        argv: Arguments without the program name; the process's own by default.

    Returns:
        0 on success, 1 if `doctor` finds trouble, `audit` a leak, or `validate` and
        `push` a model that is not fit to serve, 2 if arguments, configuration or data
        are at fault, 3 if `onboard` says no-go. A bug keeps its traceback.
    """
    quiet.quieten()
    arguments, flags = _parser().parse_known_args(argv)
    arguments.typed = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run_step(arguments, flags)
    except DataError as error:
        print(f"cmml {arguments.command}: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print(f"cmml {arguments.command}: interrupted", file=sys.stderr)
        return INTERRUPTED


def _run_step(arguments: argparse.Namespace, flags: Sequence[str]) -> int:
    """Checks all there is to check, then runs the step."""
    try:
        step: Step = arguments.check(arguments, flags)
    except ValueError as error:
        raise DataError(str(error)) from None
    return step() or 0


def entry_point() -> None:
    """The console script."""
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cmml",
        description="Cold-start recommendation that adapts in one forward pass.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="STEP")
    beam = "Any other --flag goes to Beam, for example --runner=FlinkRunner."
    add_step(commands, "prepare", "raw tables to TFRecord episodes", _prepare, beam)
    add_step(
        commands, "pretrain", "vectors of users and items, for scenarios", _pretrain
    )
    add_step(commands, "train", "episodes to weights", _train)
    add_step(commands, "evaluate", "CMML beside the baselines", _evaluate)
    add_step(commands, "export", "weights to a SavedModel", _export)
    add_step(commands, "run", "all of the above, skipping what is done", _run, beam)

    add_step(commands, "audit", "look for leaks in a prepared data set", _audit)
    ablate = add_step(
        commands, "ablate", "train and compare variants over seeds", _ablate
    )
    ablate.add_argument("--grid", required=True, help="YAML file of the variants")
    ablate.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[0, 1, 2],
        help="seeds each variant is trained with; default 0 1 2",
    )
    ablate.add_argument(
        "--split",
        choices=["meta_validation", "meta_test"],
        default="meta_validation",
        help="meta_validation to choose by, meta_test to report; default %(default)s",
    )

    compare = add_step(
        commands,
        "compare",
        "every method beside CMML, with intervals and costs",
        _compare,
    )
    compare.add_argument(
        "--methods",
        nargs="+",
        metavar="METHOD",
        help="methods to compare; default: comparison.methods, or all there are",
    )
    compare.add_argument(
        "--seeds",
        type=int,
        default=5,
        help="seeds of each trained method, the first ones; default %(default)s",
    )
    compare.add_argument(
        "--split",
        choices=["meta_validation", "meta_test"],
        default="meta_test",
        help="what methods are judged on; default %(default)s",
    )

    predict = commands.add_parser(
        "predict", help="answer requests with an exported model", allow_abbrev=False
    )
    source = predict.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", type=pathlib.Path, help="exported model directory")
    source.add_argument("--config", help="YAML file whose newest export is to be used")
    predict.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="as given when it was trained",
    )
    predict.add_argument("--input", type=pathlib.Path, required=True, help="JSON lines")
    predict.add_argument("--output", type=pathlib.Path, help="JSON lines; else stdout")
    predict.add_argument("--top", type=int, default=10, help="items to recommend")
    predict.add_argument("--text", action="store_true", help="print for people")
    predict.set_defaults(check=_predict)

    add_tuning_steps(commands)
    add_serving_steps(commands)
    add_onboard_steps(commands)
    add_insight_steps(commands)
    add_report_steps(commands)

    doctor = commands.add_parser(
        "doctor", help="check the environment for known traps", allow_abbrev=False
    )
    doctor.set_defaults(check=_doctor)
    return parser


def _prepare(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config = config_of(arguments)
    prepare = module_of(config, "prepare")
    prepare.check(config, flags)
    return lambda: done(prepare.prepare(config, flags))


def _pretrain(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    from pipeline.settings.scenario.config import ScenarioConfig

    config, dataset_dir = dataset_of(arguments, flags)
    if not isinstance(config, ScenarioConfig):
        raise ValueError(
            "pretrain goes with setting 'scenario' only, "
            f"got {config.setting!r}, where `train` fits the factors it needs."
        )
    from pipeline.steps.scenarios.pretrain import pretrain

    return lambda: done(pretrain(config, dataset_dir))


def _train(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    train = module_of(config, "train").train
    return lambda: done(train(config, dataset_dir).path)


def _evaluate(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    evaluate = module_of(config, "evaluate").evaluate
    run = _trained(config, dataset_dir)
    return lambda: done(evaluate(config, dataset_dir, run))


def _export(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    export = module_of(config, "export").export
    run = _trained(config, dataset_dir)
    return lambda: done(export(config, dataset_dir, run))


def _run(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config = config_of(arguments)
    module_of(config, "prepare").check(config, flags)
    quiet.import_tensorflow()
    run = module_of(config, "run").run
    return lambda: done(run(config, flags))


def _audit(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    audit = module_of(config, "audit").audit
    return lambda: audit(config, dataset_dir)


def _ablate(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    from pipeline.judging.variant_grid import expand, load_grid

    refuse(flags)
    grid = load_grid(arguments.grid)
    seeds = list(dict.fromkeys(arguments.seeds))  # Each once.
    tables = expand(grid, arguments.config, arguments.set, seeds)
    _, dataset_dir = dataset_of(arguments, flags)
    from pipeline.steps.ablate import ablate

    return lambda: done(
        ablate(
            grid,
            tables,
            dataset_dir,
            split=arguments.split,
            overrides=arguments.set,
        )
    )


def _compare(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    step = module_of(config, "compare")
    methods = step.check(config, arguments.methods, arguments.seeds)
    return lambda: done(
        step.compare(
            config,
            dataset_dir,
            methods=methods,
            num_seeds=arguments.seeds,
            split=arguments.split,
            command=shlex.join(["cmml", *arguments.typed]),
        )
    )


def _predict(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    if arguments.top < 1:
        raise ValueError(f"--top must be at least 1, got {arguments.top}.")
    if arguments.model is not None and arguments.set:
        raise ValueError(f"--set goes with --config, got {arguments.set} with --model.")
    if not arguments.input.is_file():
        raise ValueError(f"--input must be a file, got {str(arguments.input)!r}.")
    output = arguments.output
    if output is not None and not output.parent.is_dir():
        raise ValueError(
            f"--output must be in a folder that exists, got {str(output)!r}."
        )
    if arguments.model is None:
        from pipeline.experiment.run_dir import newest_export

        arguments.model = newest_export(config_of(arguments))
    quiet.import_tensorflow()
    from pipeline.export.version_dir import newest_version
    from pipeline.steps import predict

    return functools.partial(
        predict.run,
        newest_version(arguments.model),
        arguments.input,
        output_path=arguments.output,
        top=arguments.top,
        as_text=arguments.text,
    )


def _doctor(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    from pipeline.steps import doctor

    return doctor.run


def _trained(config: "Experiment", dataset_dir: pathlib.Path) -> "RunDir":
    """Finds the run of a finished training."""
    return module_of(config, "train").open_trained(config, dataset_dir)
