"""The graph of a version read without running it: its ops and its signatures."""

import pathlib
from typing import Any, TypeAlias

from google.protobuf.message import DecodeError

from models.legacy_keras import tf
from pipeline.experiment.version_dir import SAVED_MODEL
from transforms.schema import DataError

# As in manifests: `dtype` and `shape`, None for any size, by name of the tensor, by
# "inputs" and "outputs".
Signature: TypeAlias = dict[str, dict[str, dict[str, Any]]]

_INIT_OP = "__saved_model_init_op"


def op_names(version_dir: pathlib.Path) -> list[str]:
    """Lists the ops of the graph and of its functions, each once, sorted.

    Raises:
        DataError: If the graph cannot be read.
    """
    graph = _meta_graph(version_dir).graph_def
    functions = {function.signature.name for function in graph.library.function}
    bodies = (function.node_def for function in graph.library.function)
    nodes = [*graph.node, *(node for body in bodies for node in body)]
    return sorted({node.op for node in nodes} - functions)


def signatures_of(version_dir: pathlib.Path) -> dict[str, Signature]:
    """Reads the signatures of a version, by name.

    Raises:
        DataError: If the graph cannot be read.
    """
    return {
        name: {
            side: {
                tensor: {"dtype": tf.as_dtype(info.dtype).name, "shape": _sizes(info)}
                for tensor, info in getattr(definition, side).items()
            }
            for side in ("inputs", "outputs")
        }
        for name, definition in _meta_graph(version_dir).signature_def.items()
        if name != _INIT_OP
    }


def _sizes(info: Any) -> list[int | None]:
    return [d.size if d.size >= 0 else None for d in info.tensor_shape.dim]


def _meta_graph(version_dir: pathlib.Path) -> Any:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    path = version_dir / SAVED_MODEL
    try:
        return SavedModel.FromString(path.read_bytes()).meta_graphs[0]
    except (OSError, DecodeError, IndexError) as error:
        raise DataError(f"cannot read {path}: {error}. Export again.") from None
