"""Contexts as files that the Embedding Projector of TensorBoard shows."""

import pathlib
import shutil

from models.legacy_keras import tf
from models.whole_files import write_atomically
from pipeline.insight.contexts import TaskContexts

FOLDER = "projector"
METADATA = "metadata.tsv"
CONFIG = "projector_config.pbtxt"

# As a variable named `contexts` is called in a checkpoint.
TENSOR = "contexts/.ATTRIBUTES/VARIABLE_VALUE"

_TASK_ID = "task_id"


def write_projector(contexts: TaskContexts, logs: pathlib.Path) -> pathlib.Path:
    """Writes a checkpoint, the labels, and the configuration that names both.

    A summary stands beside them, without which TensorBoard would not look into the
    folder.

    Args:
        contexts: Contexts and their labels.
        logs: Folder of the logs of a run.

    Returns:
        The folder, `projector/` within the logs; what it held is gone.
    """
    from tensorboard.plugins import projector

    folder = logs / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    checkpoint = tf.train.Checkpoint(contexts=tf.Variable(contexts.contexts))
    checkpoint.save(str(folder / "contexts.ckpt"))  # Found by being the latest.
    write_atomically(folder / METADATA, _metadata(contexts))
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add()
    embedding.tensor_name = TENSOR
    embedding.metadata_path = METADATA
    write_atomically(folder / CONFIG, str(config))
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        tf.summary.scalar("contexts", len(contexts.task_ids), step=0)
    writer.close()
    return folder


def _metadata(contexts: TaskContexts) -> str:
    """Returns one line a context under one line of kinds, tabs between."""
    kinds = list(contexts.labels)
    lines = ["\t".join([_TASK_ID, *kinds])]
    columns = [contexts.labels[kind] for kind in kinds]
    for task_id, *labels in zip(contexts.task_ids, *columns, strict=True):
        lines.append("\t".join([_cell(task_id), *(_cell(label) for label in labels)]))
    return "\n".join(lines) + "\n"


def _cell(label: str | float) -> str:
    """Returns a label as a cell, which must not be empty or hold tabs."""
    if isinstance(label, float):
        return f"{label:.6g}"
    return " ".join(label.split()) or "-"
