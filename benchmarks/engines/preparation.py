"""Both settings prepared by one process, and compared file by file.

`python -m benchmarks.engines.preparation OUTPUT [--flag=...]` is that process.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.engines.tables import CONFIGS, RAW_DIR

_ROOT = pathlib.Path(__file__).parents[2]
_BLOCKS = "--text_block_bytes=4096"  # So that tables have several, and are spread.


def prepare(folder: pathlib.Path, output: str, flags: Sequence[str] = ()) -> str:
    """Prepares the experiments of a folder; all paths are relative to it.

    Args:
        folder: Where the tables and the configurations are.
        output: Folder that the data sets go to.
        flags: Those of the engine.

    Returns:
        What was wrong; "" if nothing.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, output, _BLOCKS, *flags],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(_ROOT), "CMML_DATA_DIR": RAW_DIR},
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else done.stderr


def differences(left: pathlib.Path, right: pathlib.Path) -> list[str]:
    """Names the files of two folders that are not the same; `.lock` files aside."""
    digests = [_digests(folder) for folder in (left, right)]
    names = {*digests[0], *digests[1]}
    return sorted(n for n in names if digests[0].get(n) != digests[1].get(n))


def num_files(folder: pathlib.Path) -> int:
    """Counts what `differences` compares."""
    return len(_digests(folder))


def _digests(folder: pathlib.Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def _main(output: str, *flags: str) -> int:
    from pipeline.cli import main

    for config in CONFIGS:
        change = f"prepared_dir={output}"
        if status := main(["prepare", "--config", config, "--set", change, *flags]):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
