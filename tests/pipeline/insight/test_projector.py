import numpy as np
from google.protobuf import text_format
from tensorboard.plugins.projector import ProjectorConfig

from models.legacy_keras import tf
from pipeline.insight.contexts import TaskContexts
from pipeline.insight.projector import CONFIG, METADATA, TENSOR, write_projector

FOUND = TaskContexts(
    ["u1", "u\t2"],
    np.array([[1.0, 2.0], [3.0, 4.0]], np.float32),
    {"tag": ["a\nb", ""], "size": [3.0, 0.25]},
)


def test_the_projector_finds_contexts_and_labels_by_its_configuration(tmp_path):
    folder = write_projector(FOUND, tmp_path / "logs")
    config = ProjectorConfig()
    text_format.Parse((folder / CONFIG).read_text(), config)
    (embedding,) = config.embeddings
    assert embedding.metadata_path == METADATA
    checkpoint = tf.train.load_checkpoint(str(folder))
    stored = checkpoint.get_tensor(embedding.tensor_name)
    assert embedding.tensor_name == TENSOR
    np.testing.assert_array_equal(stored, FOUND.contexts)


def test_a_line_of_labels_a_context_whatever_they_hold(tmp_path):
    folder = write_projector(FOUND, tmp_path)
    lines = (folder / METADATA).read_text(encoding="utf-8").split("\n")
    assert lines == ["task_id\ttag\tsize", "u1\ta b\t3", "u 2\t-\t0.25", ""]


def test_what_was_there_before_is_gone(tmp_path):
    write_projector(FOUND, tmp_path)
    folder = write_projector(FOUND.select(np.array([1])), tmp_path)
    checkpoint = tf.train.load_checkpoint(str(folder))
    assert checkpoint.get_tensor(TENSOR).tolist() == [[3.0, 4.0]]
    assert len(list(folder.glob("events.*"))) == 1
