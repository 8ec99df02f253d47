"""LiteRT: one file with all signatures, and one of half the size, in float16."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.export.formats.format import Format, FormatSource
from pipeline.export.formats.row_runtime import RowRuntime
from pipeline.settings.runtime import Tensors

if TYPE_CHECKING:
    from models.serving.task_request import RecordedRequest

EXACT, QUANTIZED = "model.tflite", "model_float16.tflite"


class LiteRTRuntime(RowRuntime):
    """Runs an export to LiteRT.

    Args:
        directory: A version.
        file: `EXACT` or `QUANTIZED`.
    """

    def __init__(self, directory: pathlib.Path, file: str = EXACT) -> None:
        super().__init__(directory)
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(directory / file), num_threads=1)
        self._runners = {
            name: interpreter.get_signature_runner(name)
            for name in self.manifest["by_rows"]
        }

    def _run(self, signature: str, rows: Tensors) -> dict[str, np.ndarray]:
        outputs: dict[str, np.ndarray] = self._runners[signature](**rows)
        return outputs


def _write(source: FormatSource, folder: pathlib.Path) -> Mapping[str, Any]:
    from models.legacy_keras import tf
    from models.serving.saving import save_with_signatures
    from pipeline.export.formats.row_files import write_row_files

    signatures = source.row_signatures
    with tempfile.TemporaryDirectory() as saved:
        save_with_signatures(tf.Module(), signatures, saved)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            saved, signature_keys=list(signatures)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.exclude_conversion_metadata = True  # Takes as long as all else.
        (folder / EXACT).write_bytes(converter.convert())
        # In 8 bits factors are too coarse: scores go wrong by a fifth.
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        (folder / QUANTIZED).write_bytes(converter.convert())
    return write_row_files(source, folder, signatures) | {
        "converter": f"tensorflow {metadata.version('tensorflow')}",
    }


def _measure(
    folder: pathlib.Path, requests: Sequence[RecordedRequest]
) -> Mapping[str, Any]:
    """Returns sizes, and what weights in float16 change."""
    runtime = LiteRTRuntime(folder, file=QUANTIZED)
    gaps, num_kept, num_best = [np.zeros(0)], 0, 0
    for request in requests:
        answer = runtime.ask(request.signature, request.inputs)
        if request.signature == "rank":
            gaps.append(np.abs(answer["score"] - request.outputs["score"]).reshape(-1))
        elif request.signature == "recommend":
            best = set(request.outputs["item_id"].flat) - {b""}
            num_kept += len(best & set(answer["item_id"].flat))
            num_best += len(best)
    gap = np.concatenate(gaps)
    return {
        "size_bytes_of": {
            name: (folder / name).stat().st_size for name in (EXACT, QUANTIZED)
        },
        "quantized": {
            "mean_difference": float(gap.mean()) if gap.size else 0.0,
            "largest_difference": float(gap.max(initial=0.0)),
            "share_of_recommended": num_kept / max(1, num_best),
        },
    }


LITERT = Format(
    "litert",
    ("ai_edge_litert",),
    ("ai_edge_litert",),
    _write,
    LiteRTRuntime,
    _measure,
)
