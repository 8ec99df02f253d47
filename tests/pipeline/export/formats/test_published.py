"""What is wrong in a format is never to be seen."""

import dataclasses
import shutil

import pytest

from pipeline.experiment.version_dir import read_manifest
from pipeline.export.formats.format import Format, FormatSource
from pipeline.export.formats.published import publish_format
from pipeline.export.formats.tensorflow_runtime import TensorFlowRuntime
from pipeline.export.published_version import ExportError


class Shifted:
    """A runtime whose scores are a little too high."""

    def __init__(self, version):
        self._saved = TensorFlowRuntime(version)

    def ask(self, signature, inputs):
        answer = self._saved.ask(signature, inputs)
        return answer | {"score": answer["score"] + 1e-3}


def plain(open_it):
    """A format of one file, with the signature `rank`."""

    def write(source, folder):
        (folder / "model.bin").write_bytes(b"weights")
        return {"by_rows": {"rank": {}}}

    return Format("plain", (), (), write, open_it)


@pytest.fixture
def source(experiment, tmp_path):
    version = tmp_path / "cmml" / experiment.exported.name
    shutil.copytree(experiment.exported, version)
    return FormatSource(version, read_manifest(version), served=None)


def test_a_format_that_answers_alike_is_published(source):
    written = []

    def write(given, folder):
        written.append(given)
        (folder / "model.bin").write_bytes(b"weights")
        return {"by_rows": {"rank": {}}}

    exact = plain(lambda folder: TensorFlowRuntime(source.version))
    exact = dataclasses.replace(exact, write=write)
    folder = publish_format(exact, source)
    assert folder == source.version.parents[1] / "cmml.plain" / source.version.name
    manifest = read_manifest(folder)
    assert manifest["format"] == "plain"
    assert manifest["largest_difference"] <= 1e-5
    assert list(manifest["files"]) == ["item_names.json", "model.bin"]
    assert list(manifest["signatures"]) == ["rank"]
    assert publish_format(exact, source) == folder
    assert len(written) == 1  # Not a second time.
    (folder / "model.bin").write_bytes(b"cut")
    assert publish_format(exact, source) == folder
    assert (folder / "model.bin").read_bytes() == b"weights"


def test_a_format_that_answers_differently_leaves_nothing(source):
    with pytest.raises(ExportError, match=r"answers in plain must be .*difference of"):
        publish_format(plain(lambda folder: Shifted(source.version)), source)
    base = source.version.parents[1] / "cmml.plain"
    assert list(base.iterdir()) == []


def test_a_format_that_refuses_a_request_leaves_nothing(source):
    class Refuses(Shifted):
        def ask(self, signature, inputs):
            raise ValueError("no such op")

    with pytest.raises(ExportError, match="request 1, of rank: no such op"):
        publish_format(plain(lambda folder: Refuses(source.version)), source)


def test_what_a_format_needs_is_named():
    lacking = dataclasses.replace(plain(None), needs=("json", "no_such_module"))
    with pytest.raises(ValueError, match=r"needs no_such_module: .*'cmml\[plain\]'"):
        lacking.check()


def test_what_runs_a_format_is_named(tmp_path):
    lacking = dataclasses.replace(plain(None), runs_on=("no_such_module",))
    with pytest.raises(ValueError, match=r"a model in plain needs no_such_module: run"):
        lacking.load(tmp_path)
