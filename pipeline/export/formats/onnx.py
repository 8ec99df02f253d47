"""ONNX: a graph for each signature and weights for all, run by ONNX Runtime."""

import functools
import logging
import pathlib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from pipeline.export.formats.format import Format, FormatSource
from pipeline.export.formats.row_runtime import RowRuntime
from pipeline.settings.runtime import Tensors

WEIGHTS = "weights.bin"

_OPSET = 17  # Of ONNX Runtime from 1.12 on; asked were 1.20 and later ones.

_SMALLEST = 1024  # Bytes; less stays in the graph, where it can be computed with.
_PAGE = 4096  # Bytes; at a multiple of it, a runtime can map what is in a file.


class OnnxRuntime(RowRuntime):
    """Runs an export to ONNX.

    Args:
        directory: A version.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        super().__init__(directory)
        # Loaded when it is first asked: few callers ask for all signatures.
        self._session = functools.cache(self._load)

    def _load(self, signature: str) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # With more, a small graph is no faster.
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            str(self.directory / f"{signature}.onnx"),
            options,
            providers=["CPUExecutionProvider"],
        )

    def _run(self, signature: str, rows: Tensors) -> dict[str, np.ndarray]:
        session = self._session(signature)
        names = [output.name for output in session.get_outputs()]
        # Of some signatures the graph makes no use of every input.
        taken = {one.name: rows[one.name] for one in session.get_inputs()}
        return dict(zip(names, session.run(names, taken), strict=True))


def _write(source: FormatSource, folder: pathlib.Path) -> Mapping[str, Any]:
    from pipeline.export.formats.row_files import write_row_files

    signatures = source.row_signatures
    weights = SharedWeights(WEIGHTS)
    for name, signature in signatures.items():
        model = _converted(name, signature)
        weights.take_from(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    weights.write(folder)
    return write_row_files(source, folder, signatures) | {
        "opset": _OPSET,
        "converter": f"tf2onnx {metadata.version('tf2onnx')}",
    }


def _converted(name: str, signature: Any) -> Any:
    """Returns the graph of a signature; inputs and outputs keep their names."""
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )
    from tf2onnx import optimizer, tf_loader, tfonnx

    from models.legacy_keras import tf

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    frozen = convert_variables_to_constants_v2(signature)
    inputs = [tensor.name for tensor in frozen.inputs]
    outputs = [tensor.name for tensor in frozen.outputs]
    names = [tensor.partition(":")[0] for tensor in inputs]
    answers = sorted(signature.structured_outputs)  # As TensorFlow flattens them.
    with tf.Graph().as_default() as graph:
        definition = frozen.graph.as_graph_def()
        definition = tf_loader.tf_optimize(inputs, outputs, definition)
        tf.import_graph_def(definition, name="")
        converted = tfonnx.process_tf_graph(
            graph,
            opset=_OPSET,
            custom_op_handlers={"SelectV2": (_as_where, [])},
            input_names=inputs,
            output_names=outputs,
            tensors_to_rename=dict(
                zip([*inputs, *outputs], [*names, *answers], strict=True)
            ),
        )
        # With errors caught the graph would be copied before each of them.
        small = optimizer.optimize_graph(converted, False, _optimizers())
    return small.make_model(name)


def _optimizers() -> dict[str, Any]:
    """Returns those that find something to do in our graphs, a third of all."""
    from tf2onnx.optimizer import (
        back_to_back_optimizer,
        const_fold_optimizer,
        identity_optimizer,
        merge_duplicated_nodes_optimizer,
    )

    return {
        "fold_constants": const_fold_optimizer.ConstFoldOptimizer,
        "merge_duplication": (
            merge_duplicated_nodes_optimizer.MergeDuplicatedNodesOptimizer
        ),
        "remove_identity": identity_optimizer.IdentityOptimizer,
        "remove_back_to_back": back_to_back_optimizer.BackToBackOptimizer,
    }


def _as_where(ctx: Any, node: Any, name: str, args: list[str]) -> None:
    """Converts a choice to `Where`.

    By itself the converter writes products with 0 and 1, by which a NaN that is not
    chosen counts all the same.
    """
    del ctx, name, args
    node.type = "Where"


ONNX = Format(
    "onnx",
    ("onnx", "onnxruntime", "tf2onnx"),
    ("onnxruntime",),
    _write,
    OnnxRuntime,
)


class SharedWeights:
    """Takes the weights out of graphs, and writes the file they are read from.

    Args:
        file: Its name, in the folder of the graphs.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._offsets: dict[bytes, int] = {}  # By content.
        self._size = 0

    def take_from(self, model: Any) -> None:
        """Takes the weights of a graph; what another one has too is shared.

        Args:
            model: `onnx.ModelProto`, changed in place.
        """
        from onnx import external_data_helper, numpy_helper

        for weight in model.graph.initializer:
            array = numpy_helper.to_array(weight)
            if array.nbytes < _SMALLEST:
                continue
            weight.CopyFrom(numpy_helper.from_array(array, weight.name))
            external_data_helper.set_external_data(
                weight, self.file, self._offset(weight.raw_data), array.nbytes
            )
            weight.ClearField("raw_data")

    def write(self, folder: pathlib.Path) -> None:
        """Writes the file."""
        with (folder / self.file).open("wb") as file:
            for content, offset in self._offsets.items():
                file.seek(offset)
                file.write(content)

    def _offset(self, content: bytes) -> int:
        if content not in self._offsets:
            self._offsets[content] = self._size
            self._size += -(-len(content) // _PAGE) * _PAGE
        return self._offsets[content]
