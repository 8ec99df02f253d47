"""What `benchmarks.runtimes` measures: runtimes, and the files they read."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

from pipeline.export.formats.litert import EXACT, QUANTIZED, LiteRTRuntime
from pipeline.export.formats.mlflow import MlflowRuntime
from pipeline.export.formats.onnx import WEIGHTS, OnnxRuntime
from pipeline.export.formats.tensorflow_runtime import TensorFlowRuntime
from pipeline.settings.runtime import Runtime


@dataclasses.dataclass(frozen=True)
class Measured:
    """A runtime, and what it runs of a version.

    Attributes:
        name: As the page has it.
        package: What it is installed by.
        suffix: Of the folder of versions.
        graphs: Patterns of the files with graphs and weights.
        open: Loads a version.
        starts: Whether `load_version` opens it.
    """

    name: str
    package: str
    suffix: str
    graphs: tuple[str, ...]
    open: Callable[[pathlib.Path], Runtime]
    starts: bool = True

    def folder(self, version: pathlib.Path) -> pathlib.Path:
        """Returns where it finds a version, by that of the SavedModel."""
        return (
            version.parent.with_name(version.parent.name + self.suffix) / version.name
        )

    def size_mb(self, version: pathlib.Path) -> float:
        """Returns the size of graphs and weights in MB."""
        files = [
            path
            for pattern in self.graphs
            for path in self.folder(version).glob(pattern)
        ]
        return sum(path.stat().st_size for path in files) / 1e6


_SAVED_MODEL = ("saved_model.pb", "variables/*", "assets/*")
RUNTIMES = (
    Measured("TensorFlow", "tensorflow", "", _SAVED_MODEL, TensorFlowRuntime),
    Measured("ONNX Runtime", "onnxruntime", ".onnx", ("*.onnx", WEIGHTS), OnnxRuntime),
    Measured("LiteRT", "ai-edge-litert", ".litert", (EXACT,), LiteRTRuntime),
    Measured(
        "LiteRT, float16",
        "ai-edge-litert",
        ".litert",
        (QUANTIZED,),
        functools.partial(LiteRTRuntime, file=QUANTIZED),
        starts=False,
    ),
    Measured(
        "MLflow",
        "mlflow",
        ".mlflow",
        tuple(f"data/saved_model/{pattern}" for pattern in _SAVED_MODEL),
        MlflowRuntime,
    ),
)
