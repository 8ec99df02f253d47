"""The formats by name: the one place that knows all of them."""

from pipeline.export.formats.format import Format
from pipeline.export.formats.litert import LITERT
from pipeline.export.formats.mlflow import MLFLOW
from pipeline.export.formats.onnx import ONNX

FORMATS: dict[str, Format] = {one.name: one for one in (ONNX, LITERT, MLFLOW)}
