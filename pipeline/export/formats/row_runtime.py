"""A model whose graphs take rows, asked by ids: what such formats share at run time."""

import abc
import json
import pathlib
from typing import Any

import numpy as np

from models.serving.options import version_mark
from pipeline.experiment.version_dir import FORMAT_ITEM_NAMES, FORMAT_MANIFEST
from pipeline.export.formats.request_rows import RequestRows
from pipeline.settings.runtime import Tensors


class RowRuntime(abc.ABC):
    """Runs an export by rows; see `Runtime`. TensorFlow is not imported.

    Args:
        directory: A version.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        text = (directory / FORMAT_MANIFEST).read_text(encoding="utf-8")
        self.manifest: dict[str, Any] = json.loads(text)
        self.directory = self.tables = directory
        self.item_names = directory / FORMAT_ITEM_NAMES
        self.rows = RequestRows(self.tables, self.manifest)

    def ask(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Answers a request of ids.

        Raises:
            ValueError: If there is no such signature, or a context is of another
                version.
        """
        return self.rows.named(self.ask_rows(signature, self.rows.of(inputs)))

    def ask_rows(self, signature: str, rows: Tensors) -> dict[str, np.ndarray]:
        """Answers a request of rows: see `models.serving.row_signatures`.

        Raises:
            ValueError: As of `ask`.
        """
        if signature not in self.manifest["by_rows"]:
            raise ValueError(
                f"an export to {self.manifest['format']} has the signatures "
                f"{sorted(self.manifest['by_rows'])}, got {signature!r}."
            )
        if "context" in rows:
            self._check_context(np.asarray(rows["context"]))
        return self._run(signature, rows)

    @abc.abstractmethod
    def _run(self, signature: str, rows: Tensors) -> dict[str, np.ndarray]:
        """Runs the graph of a signature."""

    def _check_context(self, context: np.ndarray) -> None:
        """Refuses a context of another version or width."""
        version = self.manifest["model_version"]
        width = self.manifest["context"]["width"]
        if context.shape[1] != width or np.any(
            context[:, :2] != np.array(version_mark(version), np.float32)
        ):
            raise ValueError(
                f"a context must be one of model version {version}, of {width} values: "
                "encode the support again."
            )
