"""Start-up chatter of the libraries, held back."""

import contextlib
import importlib
import logging
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

# Lines that the C++ side of TensorFlow writes before its log level counts.
_CHATTER = re.compile(r"[IWE]\d{4} \d\d:\d\d:|WARNING: All log messages before absl")

_WSL_GPU = pathlib.Path("/dev/dxg")  # Linux on Windows has no other device of a GPU.


def quieten() -> None:
    """Asks for errors only; what a library has to say of its own start is dropped."""
    _quieten_tensorflow()
    logging.basicConfig(level=logging.ERROR)
    # What it logs here of a stage that fails is in the exception, too.
    logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)


def import_tensorflow() -> None:
    """Imports TensorFlow and TensorFlow Recommenders without their chatter."""
    import absl.logging

    _quieten_tensorflow()
    with without_chatter():
        import models.cmml  # noqa: F401  Imports both, in the right order.

        look_for_gpus()
    absl.logging.set_verbosity(absl.logging.ERROR)


def look_for_gpus() -> None:
    """Lets TensorFlow look for GPUs, to be called within `without_chatter`.

    It says as an error that CUDA finds none. Where a driver is, it looks when it needs
    one and is heard.
    """
    if not _has_gpu_driver():
        from models.legacy_keras import tf

        tf.config.list_physical_devices()


def _has_gpu_driver() -> bool:
    """Whether this machine may have a GPU of NVIDIA."""
    return any(pathlib.Path("/dev").glob("nvidia*")) or _WSL_GPU.exists()


def call(module: str, name: str, *arguments: Any) -> Any:
    """Calls a function of a module that may import TensorFlow, without its chatter.

    A new process that is given the function itself imports its module before anything
    of ours could hold the chatter back.
    """
    import_tensorflow()
    return getattr(importlib.import_module(module), name)(*arguments)


def import_beam() -> None:
    """Imports Beam without its warning that it has no client of BigQuery."""
    root = logging.getLogger()
    root.addFilter(_is_no_chatter)
    try:
        import apache_beam  # noqa: F401
    finally:
        root.removeFilter(_is_no_chatter)


def _is_no_chatter(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("apitools not found")


def _quieten_tensorflow() -> None:
    """Counts if TensorFlow has not been imported yet."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Holds back what is written to file descriptor 2, and drops known chatter."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if not _CHATTER.match(line):
                    print(line, file=sys.stderr)
