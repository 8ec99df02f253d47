"""The commands that have no arguments of their own."""

import argparse

from pipeline.commands.command import (
    Command,
    Step,
    config_of,
    dataset_of,
    done,
    trained_of,
)
from pipeline.experiment import quiet
from pipeline.experiment.progress import say


def _prepare(arguments: argparse.Namespace) -> Step:
    config = config_of(arguments)
    from pipeline.steps import prepare

    prepare.validate(config, arguments.beam_flags)
    return lambda: done(prepare.prepare(config, arguments.beam_flags))


def _pretrain(arguments: argparse.Namespace) -> Step:
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps import pretrain

    pretrain.validate(config)
    return lambda: done(pretrain.pretrain(config, dataset_dir))


def _evaluate(arguments: argparse.Namespace) -> Step:
    config, dataset_dir, run = trained_of(arguments)
    from pipeline.steps.evaluate import evaluate

    return lambda: done(evaluate(config, dataset_dir, run))


def _refit(arguments: argparse.Namespace) -> Step:
    config, dataset_dir, run = trained_of(arguments)
    from pipeline.steps import refit

    refit.validate(config)
    return lambda: done(refit.refit(config, dataset_dir, run).path)


def _run(arguments: argparse.Namespace) -> Step:
    config = config_of(arguments)
    from pipeline.steps import prepare

    prepare.validate(config, arguments.beam_flags)
    quiet.import_tensorflow()
    from pipeline.steps.run import run

    def run_and_name() -> None:
        exported = run(config, arguments.beam_flags)
        say("model:")
        done(exported)

    return run_and_name


def _audit(arguments: argparse.Namespace) -> Step:
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps.audit import audit

    return lambda: audit(config, dataset_dir)


PREPARE = Command(
    "prepare",
    "raw tables to TFRecord episodes",
    _prepare,
    needs_config=True,
    takes_beam_flags=True,
)
PRETRAIN = Command(
    "pretrain",
    "factors of users and items, for scenarios",
    _pretrain,
    needs_config=True,
)
EVALUATE = Command(
    "evaluate", "CMML beside the baselines", _evaluate, needs_config=True
)
REFIT = Command(
    "refit", "all pairs to the weights that are exported", _refit, needs_config=True
)
RUN = Command(
    "run",
    "all of the above, skipping what is done",
    _run,
    needs_config=True,
    takes_beam_flags=True,
)
AUDIT = Command(
    "audit", "look for leaks in a prepared data set", _audit, needs_config=True
)
