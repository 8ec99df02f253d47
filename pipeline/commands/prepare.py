"""The command `prepare`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, config_of, done


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config = config_of(arguments)
    from pipeline.steps import prepare

    prepare.validate(config, flags)
    return lambda: done(prepare.prepare(config, flags))


COMMAND = Command(
    "prepare",
    "raw tables to TFRecord episodes",
    _resolve,
    needs_config=True,
    epilog="Any other --flag goes to Beam, for example --runner=FlinkRunner.",
)
