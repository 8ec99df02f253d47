"""The command `run`."""

import argparse

from pipeline.commands.command import Command, Step, config_of, done
from pipeline.experiment import quiet
from pipeline.experiment.progress import say


def _resolve(arguments: argparse.Namespace) -> Step:
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


COMMAND = Command(
    "run",
    "all of the above, skipping what is done",
    _resolve,
    needs_config=True,
    takes_beam_flags=True,
)
