"""Processes that are killed in the middle."""

import os
import pathlib
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = "import sys; from pipeline.cli import main; sys.exit(main())"
TOO_LONG_S = 300


@pytest.fixture
def kill_when(raw_dir):
    """Runs the command line in a process and kills it when a condition is met."""

    def run(condition, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | {"CMML_DATA_DIR": str(raw_dir)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            give_up = time.monotonic() + TOO_LONG_S
            while not condition():
                assert process.poll() is None, "it ended before it could be killed"
                assert time.monotonic() < give_up, "nothing to be killed has come"
                time.sleep(0.002)
        finally:
            process.kill()
            process.wait()

    return run
