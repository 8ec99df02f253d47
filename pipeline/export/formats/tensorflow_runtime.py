"""A SavedModel, run by TensorFlow in this process."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from pipeline.experiment.version_dir import ITEM_NAMES
from pipeline.settings.runtime import Tensors


class TensorFlowRuntime:
    """Runs a SavedModel; see `Runtime`.

    Args:
        directory: A version.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self.tables = directory / "assets"
        self.item_names = directory / ITEM_NAMES
        # Kept: the signatures do not keep the tables they use alive.
        self._loaded = tf.saved_model.load(str(directory))

    def specs(self, signature: str) -> dict[str, tf.TensorSpec]:
        """Returns what a signature takes, by name."""
        _, specs = self._loaded.signatures[signature].structured_input_signature
        return specs

    def ask(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Answers a request."""
        function, specs = self._loaded.signatures[signature], self.specs(signature)
        tensors = {
            name: tf.constant(value, specs[name].dtype)
            for name, value in inputs.items()
        }
        return {name: value.numpy() for name, value in function(**tensors).items()}
