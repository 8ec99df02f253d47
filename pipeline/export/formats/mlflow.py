"""MLflow: a model directory that answers data frames, with the SavedModel in it."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from models.whole_files import read_json, write_json
from pipeline.experiment.version_dir import (
    FORMAT_ITEM_NAMES,
    ITEM_NAMES,
    MAKE_AGAIN,
    MANIFEST,
    PARITY,
    REQUEST_EXAMPLES,
    WARMUP,
    read_manifest,
    written_files,
)
from pipeline.export.formats.format import Format, FormatSource
from pipeline.settings.request_values import padded
from pipeline.settings.runtime import Tensors

if TYPE_CHECKING:
    import pandas as pd

SIGNATURES = ("rank", "recommend")

_CODE = pathlib.Path(__file__).with_name("cmml_pyfunc.py")
_SAVED_MODEL = "saved_model"  # MLflow keeps it in data/.

# Else MLflow reports each use to its makers.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


class MlflowRuntime:
    """Asks an MLflow model by data frames; see `Runtime`.

    Args:
        directory: A version.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        import mlflow.pyfunc

        self.tables = saved_model_dir(directory) / "assets"
        self.item_names = directory / FORMAT_ITEM_NAMES
        self._top_k = read_manifest(directory)["limits"]["top_k"]
        self._model = mlflow.pyfunc.load_model(str(directory))

    def ask(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Answers a request, for which it becomes a data frame.

        Raises:
            ValueError: If there is no such signature, or a value is refused.
        """
        if signature not in SIGNATURES:
            raise ValueError(
                f"an export to mlflow has the signatures {sorted(SIGNATURES)}, "
                f"got {signature!r}."
            )
        from mlflow.exceptions import MlflowException

        try:
            answer = self._model.predict(as_frame(inputs))
        except MlflowException as error:
            raise ValueError(error.message) from None
        width = self._top_k if signature == "recommend" else None
        return {name: _as_array(answer[name], width) for name in answer}


def saved_model_dir(directory: pathlib.Path) -> pathlib.Path:
    """Returns the SavedModel in a model directory; its manifest stands in it too."""
    return directory / "data" / _SAVED_MODEL


def as_frame(inputs: Tensors) -> pd.DataFrame:
    """Returns a request as a data frame of one task a row, without padding."""
    import pandas as pd

    return pd.DataFrame(list(_tasks(inputs)), dtype=object)


def _tasks(inputs: Tensors) -> Iterator[dict[str, Any]]:
    for place in range(len(next(iter(inputs.values())))):
        task = {name: _texts(value[place]) for name, value in inputs.items()}
        is_pair = [item_id != "" for item_id in task["support_item_id"]]
        for name, value in task.items():
            if name.startswith("support_"):
                task[name] = [v for v, kept in zip(value, is_pair, strict=True) if kept]
            elif name == "query_user_id" and isinstance(value, str):
                task[name] = [value]
            elif isinstance(value, list) and not name.startswith("query_"):
                task[name] = [v for v in value if v != ""]
        yield task


def _texts(value: Any) -> Any:
    """Returns an array as lists of Python, texts as such."""
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, list):
        return [_texts(part) for part in value]
    return value.decode() if isinstance(value, bytes) else value


def _as_array(column: pd.Series, width: int | None) -> np.ndarray:
    """Returns a column of an answer as a signature would, padded with "" and 0."""
    if isinstance(column.iloc[0], str):
        return np.array([text.encode() for text in column], object)
    is_text = column.name == "item_id"
    rows = [[v.encode() if is_text else v for v in row] for row in column]
    return padded(rows, b"" if is_text else 0.0, width)


def _write(source: FormatSource, folder: pathlib.Path) -> Mapping[str, Any]:
    import mlflow.pyfunc

    signatures = {name: source.manifest["signatures"][name] for name in SIGNATURES}
    with tempfile.TemporaryDirectory() as copies:
        saved = pathlib.Path(copies) / _SAVED_MODEL
        left_out = (
            path.name for path in (ITEM_NAMES, PARITY, REQUEST_EXAMPLES, WARMUP)
        )
        ignore = shutil.ignore_patterns(*left_out)
        shutil.copytree(source.version, saved, ignore=ignore)
        manifest = {**source.manifest, "files": written_files(saved)}
        write_json(saved / MANIFEST, manifest)
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module=_CODE.stem,
            code_paths=[str(_CODE)],
            data_path=str(saved),
            signature=_schema(signatures, source.manifest["limits"]["top_k"]),
            input_example=_example(source.version),
            pip_requirements=[
                f"{name}=={metadata.version(name)}"
                for name in ("mlflow", "numpy", "pandas", "tensorflow")
            ],
            metadata={
                key: source.manifest[key]
                for key in ("model_name", "model_version", "dataset_fingerprint")
            },
        )
    return {
        "signatures": signatures,
        "converter": f"mlflow {metadata.version('mlflow')}",
    }


def _example(version: pathlib.Path) -> pd.DataFrame:
    """Returns a task to recommend to, of the examples of a version."""
    path = version / REQUEST_EXAMPLES / "recommend.json"
    (task,) = read_json(path, cure=MAKE_AGAIN)["instances"]
    return as_frame({name: np.array([value]) for name, value in task.items()})


def _schema(signatures: Mapping[str, Any], top_k: int) -> Any:
    """Returns types of columns: those of both signatures, of features none needed."""
    from mlflow.models import ModelSignature
    from mlflow.types import DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    rank, recommend = (signatures[name] for name in SIGNATURES)
    inputs = {**recommend["inputs"], **rank["inputs"]}
    optional = {name for name in inputs if name.startswith("user_")}
    optional |= rank["inputs"].keys() ^ recommend["inputs"].keys()
    return ModelSignature(
        inputs=Schema(
            [
                # MLflow would take no whole number, such as of JSON, for a double.
                _column(name, spec, AnyType(), is_needed=name not in optional)
                for name, spec in inputs.items()
            ]
        ),
        outputs=Schema(
            [
                _column(name, spec, DataType.double)
                for name, spec in sorted(recommend["outputs"].items())
            ]
        ),
        params=ParamSchema([ParamSpec("k", "long", top_k)]),
    )


def _column(
    name: str, spec: Mapping[str, Any], number: Any, *, is_needed: bool = True
) -> Any:
    from mlflow.types import ColSpec, DataType
    from mlflow.types.schema import Array

    kind = DataType.string if spec["dtype"] == "string" else number
    is_list = len(spec["shape"]) > 1
    return ColSpec(Array(kind) if is_list else kind, name, required=is_needed)


MLFLOW = Format(
    name="mlflow",
    needs=("mlflow",),
    runs_on=("mlflow",),
    write=_write,
    open=MlflowRuntime,
)
