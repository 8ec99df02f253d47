"""The command `run`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, config_of, done
from pipeline.experiment import quiet


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config = config_of(arguments)
    from pipeline.steps import prepare

    prepare.validate(config, flags)
    quiet.import_tensorflow()
    from pipeline.steps.run import run

    return lambda: done(run(config, flags))


COMMAND = Command(
    "run",
    "all of the above, skipping what is done",
    _resolve,
    needs_config=True,
    epilog="Any other --flag goes to Beam, for example --runner=FlinkRunner.",
)
