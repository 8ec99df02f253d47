"""The manifest: what a version is, where it is from and what it takes."""

import pathlib
import time
from importlib import metadata
from typing import Any

from models.legacy_keras import tf
from models.serving.served_explanations import MAX_EXPLAINED
from models.serving.served_model import ServedModel
from models.whole_files import read_json
from pipeline.experiment.run_dir import RunDir
from pipeline.experiment.version_dir import size_bytes, written_files
from pipeline.export.saved_graph import op_names
from transforms.schema import META_TRAIN


def make_manifest(
    directory: pathlib.Path,
    served: ServedModel,
    loaded: tf.Module,
    run: RunDir,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Collects the facts of a version.

    Args:
        directory: Holds the SavedModel.
        served: What it was made of.
        loaded: The SavedModel, loaded again.
        run: The run it is of.
        facts: What the setting knows of it.
    """
    options = served.options
    manifest = facts | {
        "model_version": options.model_version,
        "run": run.path.name,
        "created": int(time.time()),
        "tensorflow": metadata.version("tensorflow"),
        "signatures": {
            name: described(function) for name, function in loaded.signatures.items()
        },
        "ops": op_names(directory),
        "limits": {
            "max_tasks": options.max_tasks,
            "max_support": options.max_support,
            "max_query": options.max_query,
            "max_scored": options.max_scored,
            "max_explained": MAX_EXPLAINED,
            "top_k": served.catalogue.top_k,
        },
        "context": {
            "width": served.context_format.width,
            "holds": served.memory.kind,
            "max_updated_support": served.memory.max_size,
        },
        "modulation": served.modulation_widths(),
        "num_candidates": len(served.catalogue.candidates),
        "shortlist_size": served.shortlist_size,
        "size_bytes": size_bytes(directory),
        "files": written_files(directory),
    }
    return manifest | _metrics(run)


def _metrics(run: RunDir) -> dict[str, Any]:
    """Returns what came of the evaluation of a run, if there was one."""
    metrics = run.evaluation / "metrics.json"
    if not metrics.exists():
        return {}
    # Of meta-train, whatever this version was trained on.
    return {"metrics_of": META_TRAIN, "metrics": read_json(metrics)["cmml"]}


def described(function: Any) -> dict[str, Any]:
    """Returns type and shape of each input and output of a signature."""
    _, inputs = function.structured_input_signature
    return {
        side: {
            name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
            for name, spec in specs.items()
        }
        for side, specs in (
            ("inputs", inputs),
            ("outputs", function.structured_outputs),
        )
    }
