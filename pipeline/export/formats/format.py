"""What a format is: how a version is written in it, and what runs it."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.serving.saving import Signature
    from models.serving.served_model import ServedModel
    from models.serving.task_request import RecordedRequest
    from pipeline.settings.runtime import Runtime


# Of all formats, without what it takes to write them: the command line lists them.
FORMAT_NAMES = ("onnx", "litert", "mlflow")


@dataclasses.dataclass(frozen=True)
class FormatSource:
    """A version as it is to be written in another format.

    Attributes:
        version: The directory of the SavedModel.
        manifest: What it says of itself.
        served: What it was made of.
    """

    version: pathlib.Path
    manifest: Mapping[str, Any]
    served: ServedModel

    @functools.cached_property
    def row_signatures(self) -> Mapping[str, Signature]:
        """Signatures that take rows, traced once for all formats that hold them."""
        from models.serving.row_signatures import row_signatures

        return row_signatures(self.served)


@dataclasses.dataclass(frozen=True)
class Format:
    """A format beside the SavedModel.

    Attributes:
        name: Its name, and that of the extra of `pip install` that it needs.
        needs: Modules that the extra brings.
        runs_on: Those of them that run it.
        write: Writes a version to an empty folder, and returns what its manifest says
            beyond that of the SavedModel; `signatures` are those that it has.
        open: Loads what was written, manifest included.
        measure: Returns what else the manifest says, by what was written and requests
            with the answers that are expected.
    """

    name: str
    needs: tuple[str, ...]
    runs_on: tuple[str, ...]
    write: Callable[[FormatSource, pathlib.Path], Mapping[str, Any]]
    open: Callable[[pathlib.Path], Runtime]
    measure: Callable[[pathlib.Path, Sequence[RecordedRequest]], Mapping[str, Any]] = (
        lambda folder, requests: {}
    )

    def check(self) -> None:
        """Makes sure that what it takes to write it is installed.

        Raises:
            ValueError: If it is not.
        """
        self._check(f"--format {self.name}", self.needs)

    def load(self, directory: pathlib.Path) -> Runtime:
        """Loads a version.

        Raises:
            ValueError: If what runs it is not installed.
        """
        self._check(f"a model in {self.name}", self.runs_on)
        return self.open(directory)

    def _check(self, what: str, modules: Sequence[str]) -> None:
        missing = [one for one in modules if importlib.util.find_spec(one) is None]
        if missing:
            raise ValueError(
                f"{what} needs {', '.join(missing)}: run "
                f"pip install 'cmml[{self.name}]'."
            )
