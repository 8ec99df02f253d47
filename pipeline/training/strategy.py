"""Who trains: this process by one device, by all its devices, or several workers."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.legacy_keras import tf

NONE, MIRRORED, MULTI_WORKER = "none", "mirrored", "multi_worker"
STRATEGIES = (NONE, MIRRORED, MULTI_WORKER)


class WorkerLostError(Exception):
    """A training whose other workers cannot be reached any more."""


def validate_strategy(name: str) -> None:
    """Checks what can be known of a strategy before TensorFlow is imported.

    Raises:
        ValueError: If it has several workers, and `TF_CONFIG` does not name them.
    """
    if name != MULTI_WORKER:
        return
    config = cluster_config()
    workers = sum(len(config["cluster"].get(job, ())) for job in ("chief", "worker"))
    if workers < 1 or not {"type", "index"} <= config["task"].keys():
        raise ValueError(
            "--strategy multi_worker needs TF_CONFIG with `cluster` of a chief or "
            f"workers, and `task` with type and index, got {config}."
        )


def cluster_config() -> dict[str, Any]:
    """Reads `TF_CONFIG`.

    Returns:
        It, with `cluster` and `task`, empty if there are none.

    Raises:
        ValueError: If it is no JSON of that form.
    """
    text = os.environ.get("TF_CONFIG", "") or "{}"
    try:
        config = json.loads(text)
        return {part: dict(config.get(part, {})) for part in ("cluster", "task")}
    except (ValueError, TypeError, AttributeError):
        raise ValueError(
            f"TF_CONFIG must be JSON with `cluster` and `task`, got {text!r}."
        ) from None


def new_strategy(name: str) -> tf.distribute.Strategy:
    """Makes a strategy; that of several workers waits for all of them.

    To be called before TensorFlow has run anything.

    Args:
        name: One of `STRATEGIES`.
    """
    from models.legacy_keras import tf

    if name == MULTI_WORKER:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == MIRRORED:
        devices = tf.config.list_logical_devices("GPU")
        devices = devices or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


@contextlib.contextmanager
def lost_workers_told() -> Iterator[None]:
    """Says in one line that another worker is gone.

    Raises:
        WorkerLostError: If it is; what has been saved is whole.
    """
    from models.legacy_keras import tf

    errors = tf.errors
    try:
        yield
    except (errors.UnavailableError, errors.AbortedError, errors.CancelledError) as e:
        raise WorkerLostError(
            "another worker of this training cannot be reached: start all of them "
            "again, and the training goes on after its last whole epoch."
        ) from e
