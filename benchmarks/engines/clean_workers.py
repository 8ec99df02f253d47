"""Workers that have this project from its source distribution alone.

As `--setup_file=./setup.py` has it on a cluster: a file that the source distribution
leaves out is missing there, whatever the checkout holds.
"""

import contextlib
import functools
import os
import pathlib
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator

from benchmarks.engines.processes import free_port, is_open, running, wait_for

_ROOT = pathlib.Path(__file__).parents[2]
_POOL = "apache_beam.runners.worker.worker_pool_main"


@contextlib.contextmanager
def clean_workers(folder: pathlib.Path) -> Iterator[str]:
    """Starts a pool in an environment of its own; yields its address.

    Raises:
        RuntimeError: If the source distribution cannot be built or installed.
    """
    python = _environment(folder)
    port = free_port()
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    with running(
        [str(python), "-m", _POOL, f"--service_port={port}"],
        folder / "pool",
        PATH=path,  # A pool starts each worker as `python`.
        PYTHONPATH="",
    ):
        wait_for(functools.partial(is_open, port), "A worker pool")
        yield f"localhost:{port}"


def _environment(folder: pathlib.Path) -> pathlib.Path:
    """Installs the source distribution; returns the Python that finds it."""
    home = folder / "environment"
    venv.create(home)
    python = home / "bin" / "python"
    variables = {"base": str(home), "platbase": str(home)}
    packages = pathlib.Path(sysconfig.get_path("purelib", vars=variables))
    # The packages that the project needs, without the links that lie among them: that
    # of an installed checkout would find what the source distribution lacks.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    built = folder / "built"
    _run("setup.py", "-q", "sdist", f"--dist-dir={built}")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    _run("-m", "pip", f"--python={python}", "install", *options, *built.glob("*.gz"))
    return python


def _run(*arguments: str | pathlib.Path) -> None:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
